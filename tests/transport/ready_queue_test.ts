import { assertEquals } from "@std/assert";
import { ReadyQueue } from "../../transport/ready_queue.ts";

const END = { value: undefined, done: true } as const;

function queueOf(...items: number[]): ReadyQueue<number> {
  const queue = new ReadyQueue<number>();
  for (const item of items) queue.add(item);
  return queue;
}

function takeAll(queue: ReadyQueue<number>): number[] {
  const taken: number[] = [];
  for (let item; (item = queue.take()) !== null;) taken.push(item);
  return taken;
}

Deno.test("ReadyQueue gives what is ready in order, however it was taken before", () => {
  const queue = queueOf(1, 2, 3, 4, 5, 6);
  assertEquals([queue.take(), queue.length], [1, 5]);
  queue.delete(1); // taken already
  queue.delete(4);
  assertEquals(queue.takeWhere((item) => item > 2), 3);
  assertEquals(queue.takeWhere((item) => item > 6), null);
  queue.add(7);
  assertEquals(queue.isReady, true);
  assertEquals(takeAll(queue), [2, 5, 6, 7]);
  assertEquals([queue.isReady, queue.length, queue.take()], [false, 0, null]);
});

Deno.test("ReadyQueue finds nothing among what was taken", () => {
  const queue = queueOf(1, 1, 2);
  queue.take();
  queue.delete(1);
  assertEquals(queue.takeWhere((item) => item === 1), null);
  assertEquals(takeAll(queue), [2]);
});

Deno.test("ReadyQueue loses nothing where much is taken before it is empty", () => {
  const queue = queueOf(0);
  let next = 0;
  for (let i = 1; i <= 5000; i++) {
    queue.add(i);
    assertEquals(queue.take(), next++);
    assertEquals(queue.length, 1);
  }
  assertEquals(takeAll(queue), [5000]);
});

Deno.test("ReadyQueue gives an item to one who waits: the loop, then the others in turn", async () => {
  const queue = queueOf();
  const [loop, second] = [queue.next(), queue.next()];
  const [third, fourth] = [queue.wait(Infinity), queue.wait(60_000)];
  for (const item of [1, 2, 3, 4, 5]) queue.add(item);
  assertEquals(await Promise.all([loop, second, third, fourth]), [
    { value: 1, done: false },
    { value: 2, done: false },
    3,
    4,
  ]);
  assertEquals(await queue.wait(0), 5);
  assertEquals(queue.isReady, false);
});

Deno.test("ReadyQueue gives nothing to one who has stopped to wait", async () => {
  const queue = queueOf();
  const gone = queue.wait(0);
  const behind = queue.wait(60_000);
  assertEquals(await gone, null);
  queue.add(1);
  assertEquals(await behind, 1);
  assertEquals(await queue.wait(0), null);
  queue.add(2);
  assertEquals(takeAll(queue), [2]);
});

Deno.test("ReadyQueue gives what there is after its end, and then says that it has ended", async () => {
  const queue = queueOf(1, 2);
  queue.end();
  assertEquals(await queue.next(), { value: 1, done: false });
  assertEquals(await queue.wait(Infinity), 2);
  assertEquals(await queue.next(), END);
  assertEquals(await queue.wait(Infinity), null);
});

Deno.test("ReadyQueue tells all who wait of its end", async () => {
  const queue = queueOf();
  const waits = [
    queue.next(),
    queue.next(),
    queue.wait(Infinity),
    queue.wait(60_000),
  ];
  queue.end();
  assertEquals(await Promise.all(waits), [END, END, null, null]);
});

Deno.test("ReadyQueue.clear() forgets what nobody has taken", () => {
  const queue = queueOf(1, 2, 3);
  queue.take();
  queue.clear();
  assertEquals(queue.isReady, false);
  queue.add(4);
  assertEquals(takeAll(queue), [4]);
});

Deno.test("ReadyQueue.watch() calls back for what nobody waits for, and at the end", async () => {
  const queue = queueOf();
  const told: string[] = [];
  const end = queue.watch(() => told.push("a"));
  queue.watch(() => told.push("b"));
  const first = queue.wait(Infinity);
  queue.add(1); // for who waits
  assertEquals(await first, 1);
  assertEquals(told, []);
  queue.add(2);
  assertEquals(told, []); // not before who has added it is done
  await Promise.resolve();
  assertEquals(told.splice(0), ["a", "b"]);
  end();
  queue.end();
  assertEquals(told, ["b"]);
});
