import { assert, assertEquals } from "@std/assert";
import { Turns } from "../../transport/turns.ts";
import { fairTurn } from "../../transport/clock.ts";

/** A clock that stands: what is done takes no time. */
const standing = () => 0;

function turn(): Promise<void> {
  return new Promise((resolve) => fairTurn(resolve));
}

/** Works for ever, in turns; returns how much was done so far. */
function worker(turns: Turns, amount = 1): { done: number; stop(): void } {
  const work = {
    done: 0,
    stop: () => {},
  };
  const goOn = () => {
    do work.done++; while (turns.spend(amount));
    work.stop = turns.wait(goOn);
  };
  goOn();
  return work;
}

Deno.test("Turns.spend() says that a turn is over, and wait() calls back in the next", async () => {
  const turns = new Turns(standing);
  let count = 1;
  while (turns.spend(1)) count++;
  assert(count > 100 && count <= 1000, `${count} things`);
  assertEquals(turns.spend(0), false);
  let isCalled = false;
  turns.wait(() => {
    isCalled = true;
    assert(turns.spend(1));
  });
  for (let i = 0; i < 50; i++) await null;
  assert(!isCalled, "called within the turn");
  await turn();
  assert(isCalled);
});

Deno.test("Turns.spend() takes back what was counted ahead, and no more", () => {
  const turns = new Turns(standing);
  assertEquals(turns.spend(5000), false);
  assertEquals(turns.spend(-4999), true);
  turns.spend(-1_000_000);
  let count = 0;
  while (turns.spend(1)) count++;
  assert(count < 1000);
});

Deno.test("Turns do so much for all together, however many there are", async () => {
  const turns = new Turns(standing);
  const workers = Array.from({ length: 100 }, () => worker(turns));
  const sum = () => workers.reduce((all, { done }) => all + done, 0);
  let before = sum();
  for (let i = 0; i < 100; i++) {
    await turn();
    const after = sum();
    // The event loop may have turned twice, where it rested in between.
    assert(after > before && after - before <= 600, `${after - before}`);
    before = after;
  }
  for (const { stop } of workers) stop();
});

Deno.test("Turns are shared, in order of asking", async () => {
  const turns = new Turns(standing);
  // The first takes more than its share each time.
  const greedy = worker(turns, 100);
  const workers = Array.from({ length: 50 }, () => worker(turns));
  await turn(); // the first has had all of the turn before
  const before = workers.map(({ done }) => done);
  for (let i = 0; i < 100; i++) await turn();
  const since = workers.map(({ done }, i) => done - before[i]);
  const least = Math.min(...since);
  const most = Math.max(...since);
  assert(least > 50 && least > most / 2, `${least} to ${most}`);
  greedy.stop();
  for (const { stop } of workers) stop();
});

Deno.test("Turns.wait() can be called off, also amid others", async () => {
  const turns = new Turns(standing);
  const seen: string[] = [];
  const same = () => seen.push("same");
  turns.wait(() => {
    seen.push("first");
    callOff();
  });
  const callOff = turns.wait(same);
  turns.wait(same);
  turns.wait(() => seen.push("late"))();
  await turn();
  await turn();
  assertEquals(seen, ["first", "same"]);
});

/** Turns whose clock goes on by what is done, and by nothing else. */
class Timed {
  now = 1000;
  readonly turns: Turns = new Turns(() => this.now);

  work(ms: number): boolean {
    this.now += ms;
    return this.turns.spend(1);
  }
}

Deno.test("Turns.spend() says that a turn is over where things take long", async () => {
  for (const ms of [0.3, 1, 4, 15, 40, 400]) {
    const time = new Timed();
    for (let i = 0; i < 20; i++) {
      let count = 1;
      while (time.work(ms)) count++;
      // What it takes to find out is not much.
      assert(count * ms <= Math.max(80, 2 * ms), `${count} of ${ms} ms`);
      assert(count * ms >= 15 || i === 0);
      assertEquals(time.turns.spend(0), false, "there is time for others");
      await turn();
    }
  }
});

Deno.test("Turns.spend() finds out soon that quick things have become slow", async () => {
  for (const ms of [1, 10, 20]) {
    const time = new Timed();
    for (let i = 0; i < 10; i++) {
      for (let j = 0; j < 100; j++) assert(time.work(0.01));
      await turn();
      await turn();
    }
    let count = 1;
    while (time.work(ms)) count++;
    assert(count * ms <= 200, `${count} of ${ms} ms`);
    assert(!time.turns.spend(1));
  }
});

Deno.test("Turns.spend() minds no time in which nothing is done", async () => {
  const time = new Timed();
  for (let i = 0; i < 50; i++) {
    time.now += 1000;
    for (let j = 0; j < 5; j++) assert(time.work(0.1));
    await turn();
  }
});

Deno.test("Turns are left for the next where those in line take long", async () => {
  const time = new Timed();
  let count = 0;
  const goOn = () => {
    count++;
    time.work(10);
    time.turns.wait(goOn);
  };
  for (let i = 0; i < 20; i++) time.turns.wait(goOn);
  await turn();
  for (let i = 0; i < 20; i++) {
    const before = count;
    await turn();
    assert(count - before >= 2 && count - before <= 10, `${count - before}`);
  }
});
