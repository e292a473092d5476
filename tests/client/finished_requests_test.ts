import { assertEquals, assertRejects } from "@std/assert";
import { FinishedRequests } from "../../client/finished_requests.ts";
import {
  ClientRequest,
  type HttpResponse,
} from "../../client/request_and_response.ts";

/** So many are kept where nobody pulls. */
const MOST = 1000;

/** Requests by their number, and which of their responses were closed. */
class Scene {
  readonly finished = new FinishedRequests();
  readonly closed: number[] = [];

  #make(): ClientRequest {
    return new ClientRequest(
      {
        finished: (request) => this.finished.add(request),
        taken: (request) => this.finished.delete(request),
        closing: new AbortController().signal,
        repeat: (request) => request,
      },
      "GET",
      "http://a.test/",
      {},
    );
  }

  succeed(number: number): ClientRequest {
    const request = this.#make();
    request.context = number;
    const response = { request, close: () => this.closed.push(number) };
    request.succeed(response as unknown as HttpResponse);
    return request;
  }

  fail(error: Error): ClientRequest {
    const request = this.#make();
    request.fail(error);
    return request;
  }

  takeAll(): number[] {
    const taken: number[] = [];
    for (let one; (one = this.finished.take()) !== null;) {
      taken.push(one.context);
    }
    return taken;
  }
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

Deno.test("FinishedRequests forgets the oldest where nobody pulls, and closes its response", () => {
  const scene = new Scene();
  scene.fail(new Error("Lost"));
  for (const i of numbers(1, MOST + 2)) scene.succeed(i);
  assertEquals(scene.closed, [1, 2]);
  assertEquals(scene.takeAll(), numbers(3, MOST + 2));
});

Deno.test("FinishedRequests keeps all where somebody pulls, in whatever way", async () => {
  const ways: Record<string, (finished: FinishedRequests) => unknown> = {
    take: (finished) => finished.take(),
    wait: (finished) => finished.wait(0),
    watch: (finished) => finished.watch(() => {})(),
  };
  for (const [way, pull] of Object.entries(ways)) {
    const scene = new Scene();
    await pull(scene.finished);
    for (const i of numbers(1, MOST + 2)) scene.succeed(i);
    assertEquals(scene.closed, [], way);
    assertEquals(scene.takeAll(), numbers(1, MOST + 2), way);
  }
});

Deno.test("FinishedRequests.wait() gives the response, or the error, of the next request", async () => {
  const scene = new Scene();
  const error = new Error("Lost");
  const first = scene.finished.wait(60_000);
  scene.succeed(1);
  assertEquals((await first)?.request.context, 1);
  scene.fail(error);
  assertEquals(
    await assertRejects(() => scene.finished.wait(0), Error),
    error,
  );
  assertEquals(await scene.finished.wait(0), null);
});

Deno.test("FinishedRequests gives none that somebody waits for by its promise", async () => {
  const scene = new Scene();
  const request = scene.succeed(1);
  scene.succeed(2);
  assertEquals((await request).request.context, 1);
  assertEquals(scene.takeAll(), [2]);
});

Deno.test("FinishedRequests tells who waits that no more will come", async () => {
  const { finished } = new Scene();
  let told = 0;
  finished.watch(() => told++);
  const wait = finished.wait(Infinity);
  finished.end();
  assertEquals(await wait, null);
  assertEquals([told, finished.isReady], [1, false]);
});
