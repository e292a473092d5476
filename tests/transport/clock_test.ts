import { assert, assertEquals } from "@std/assert";
import {
  afterReading,
  Clock,
  deadline,
  fairTurn,
} from "../../transport/clock.ts";
import { block } from "../support/timers.ts";

/** A connection to oneself. */
async function loopback(): Promise<{ near: Deno.Conn; far: Deno.Conn }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [near, far] = await Promise.all([
    listener.accept(),
    Deno.connect({ hostname: "127.0.0.1", port }),
  ]);
  return { near, far };
}

Deno.test("Clock counts the time that passed while the loop was busy", async () => {
  const swept = Promise.withResolvers<void>();
  const clock = new Clock([80], () => {
    if (clock.tick > 1) swept.resolve();
  });
  clock.start();
  block(300);
  await swept.promise;
  clock.stop();
  assert(clock.tick >= 30, `${clock.tick} ticks`);
});

Deno.test("Clock sweeps behind what came while the loop was busy", async () => {
  const { near, far } = await loopback();
  const events: string[] = [];
  const swept = Promise.withResolvers<void>();
  const clock = new Clock([80], () => {
    events.push("sweep");
    if (events.length > 1) swept.resolve();
  });
  const reading = near.read(new Uint8Array(1)).then(() => events.push("read"));
  // Nobody looks before the loop has been busy.
  await far.write(new Uint8Array(1));
  clock.start();
  block(100);
  await Promise.all([swept.promise, reading]);
  clock.stop();
  assertEquals(events[0], "read");
  near.close();
  far.close();
});

Deno.test("Clock.begun() counts no pause against what happened in it", async () => {
  const seen: number[] = [];
  const swept = Promise.withResolvers<void>();
  const clock = new Clock([80], () => {
    if (clock.tick < 9) return;
    seen.push(clock.begun(before), clock.begun(during));
    swept.resolve();
  });
  clock.start();
  while (clock.tick < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const before = clock.tick - 1;
  const during = clock.tick;
  block(200);
  await swept.promise;
  const { tick } = clock;
  clock.stop();
  assertEquals(seen.slice(0, 2), [before, tick - 1]);
  // Only once: what is late after that is late.
  assertEquals(clock.begun(tick - 1), tick - 1);
});

Deno.test("Clock.stop() calls off a sweep that waits for what has come", async () => {
  let sweeps = 0;
  const clock = new Clock([80], () => sweeps++);
  clock.start();
  const stopped = Promise.withResolvers<void>();
  setTimeout(() => {
    clock.stop();
    afterReading(() => afterReading(() => stopped.resolve()));
  }, clock.period); // right behind the clock's own
  block(100);
  await stopped.promise;
  assertEquals(sweeps, 0);
});

Deno.test("deadline() is behind what came while the loop was busy", async () => {
  const { near, far } = await loopback();
  const events: string[] = [];
  const over = Promise.withResolvers<void>();
  const reading = near.read(new Uint8Array(1)).then(() => events.push("read"));
  await far.write(new Uint8Array(1));
  deadline(1, () => {
    events.push("deadline");
    over.resolve();
  });
  block(100);
  await Promise.all([over.promise, reading]);
  assertEquals(events, ["read", "deadline"]);
  near.close();
  far.close();
});

Deno.test("deadline() can be called off, also while it waits for what has come", async () => {
  let calls = 0;
  const callOff = deadline(1, () => calls++);
  callOff();
  const late = deadline(1, () => calls++);
  const calledOff = Promise.withResolvers<void>();
  setTimeout(() => {
    late();
    afterReading(() => afterReading(() => calledOff.resolve()));
  }, 1);
  block(100);
  await calledOff.promise;
  assertEquals(calls, 0);
});

Deno.test("fairTurn() lets the system be asked for what has come, however busy the loop", async () => {
  const { near, far } = await loopback();
  let isOver = false;
  let turns = 0;
  const goOn = () => {
    if (isOver) return;
    block(5);
    turns++;
    fairTurn(goOn);
  };
  goOn();
  for (let i = 0; i < 5; i++) {
    const before = turns;
    const reading = near.read(new Uint8Array(1)); // waits by now
    await far.write(new Uint8Array(1));
    await reading;
    // Deno itself asks once in 61 turns.
    assert(turns - before <= 20, `${turns - before} turns`);
  }
  isOver = true;
  near.close();
  far.close();
  await new Promise<void>(fairTurn);
});
