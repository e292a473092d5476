import { assertEquals } from "@std/assert";
import { Quiet } from "../../transport/quiet.ts";

/** Lets microtasks go by, and says how often it called back in each. */
async function watch(
  turns: number,
  calls: () => number,
  each: (turn: number) => void = () => {},
): Promise<number[]> {
  const seen: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    each(turn);
    await null;
    seen.push(calls());
  }
  return seen;
}

Deno.test("Quiet calls back once, after so many microtasks", async () => {
  let calls = 0;
  const quiet = new Quiet(3, () => calls++);
  quiet.whenQuiet();
  quiet.whenQuiet();
  assertEquals(await watch(5, () => calls), [0, 0, 1, 1, 1]);
  quiet.whenQuiet();
  assertEquals(await watch(3, () => calls), [1, 1, 2]);
});

Deno.test("Quiet waits on where something is done", async () => {
  let calls = 0;
  const quiet = new Quiet(3, () => calls++);
  const stir = (turn: number) => turn < 4 && quiet.stir();
  assertEquals(await watch(8, () => calls, stir), [0, 0, 0, 0, 0, 1, 1, 1]);
});

Deno.test("Quiet waits no longer than it may", async () => {
  let calls = 0;
  const quiet = new Quiet(3, () => calls++, 5);
  const stir = (turn: number) => turn < 5 && quiet.stir();
  assertEquals(await watch(6, () => calls, stir), [0, 0, 0, 0, 1, 1]);
});

Deno.test("Quiet does not call back where it was called off", async () => {
  let calls = 0;
  const quiet = new Quiet(3, () => calls++);
  quiet.callOff();
  quiet.whenQuiet();
  assertEquals(await watch(3, () => calls), [0, 0, 1]);
  quiet.whenQuiet();
  quiet.callOff();
  assertEquals(await watch(5, () => calls), [1, 1, 1, 1, 1]);
  quiet.whenQuiet();
  assertEquals(await watch(3, () => calls), [1, 1, 2]);
});
