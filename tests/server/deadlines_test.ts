import { assert, assertEquals } from "@std/assert";
import type { HttpServerOptions } from "@uhttp/uhttp";
import { Arena } from "../support/arena.ts";
import { block } from "../support/timers.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
/** What a request costs, in ms. */
const COST = 50;
/** Requests that are answered in one turn of the loop. */
const TOGETHER = 4;

/** Peers that are too late, and what they are cut off with. */
const LATE: {
  name: string;
  text: string;
  options: HttpServerOptions;
  answer: string;
}[] = [
  {
    name: "head",
    text: GET.slice(0, 20),
    options: { requestTimeout: 200 },
    answer: "408",
  },
  {
    name: "body",
    text: POST + "abc",
    options: { bodyTimeout: 200 },
    answer: "408",
  },
  {
    name: "next request",
    text: "",
    options: { keepAliveTimeout: 200 },
    answer: "",
  },
];

for (const { name, text, options, answer } of LATE) {
  Deno.test(`HttpServer cuts off a ${name} that is late, though it is busy`, async () => {
    let works = 0;
    await using arena = new Arena((client) => {
      block(COST);
      works++;
      return client.respond("ok");
    }, options);
    const late = await arena.connect();
    await late.send(text);
    // Somebody keeps it busy: at each turn of the loop there is work to do.
    const busy = await arena.connect();
    let isOver = false;
    const keepBusy = (async () => {
      while (!isOver) {
        await busy.send(GET.repeat(TOGETHER));
        for (let i = 0; i < TOGETHER; i++) await busy.response();
      }
    })();
    const got = await late.rest();
    isOver = true;
    await keepBusy;
    assertEquals(got.slice(9, 12), answer);
    // By the time that passed, not by the turns that were taken.
    assert(works <= 6 * TOGETHER, `only after ${works * COST} ms of work`);
  });
}

/** Peers that are in time, while nobody looks. */
const IN_TIME: {
  name: string;
  first: string;
  rest: string;
  options: HttpServerOptions;
}[] = [
  {
    name: "head",
    first: GET.slice(0, 20),
    rest: GET.slice(20),
    options: { requestTimeout: 100 },
  },
  {
    name: "body",
    first: POST + "abc",
    rest: "defghij",
    options: { bodyTimeout: 80 },
  },
  { name: "request", first: "", rest: GET, options: { keepAliveTimeout: 100 } },
];

for (const { name, first, rest, options } of IN_TIME) {
  Deno.test(`HttpServer takes a ${name} whose rest came while it was busy for too long`, async () => {
    await using arena = new Arena((client) => client.respond("ok"), options);
    const peer = await arena.connect();
    await peer.send(first);
    if (name === "head") await arena.entered("head");
    if (name === "body") await arena.entered("body");
    await peer.send(rest);
    block(200);
    assertEquals((await peer.response()).status, 200);
    peer.close();
  });
}
