import { assert, assertEquals } from "@std/assert";
import {
  AnswerableRequest,
  ClientRequest,
  CookieJar,
  HttpClient,
  HttpConnection,
  HttpRequest,
  HttpResponse,
  HttpServer,
  IncomingMessage,
  protocolErrors,
  Websocket,
  websocketErrors,
  WebsocketEvents,
} from "@uhttp/uhttp";
import { startServer } from "./support/serving.ts";

const readme = await Deno.readTextFile(
  new URL("../README.md", import.meta.url),
);

function section(title: string): string {
  const [, text] = readme.split(`\n### ${title}\n`);
  return text.split(/\n##+ /)[0];
}

Deno.test("README lists every error code with its status", () => {
  const listed = Object.fromEntries(
    section("Errors").split("\n").flatMap((line) => {
      const status = /\| (\d{3}) +\|$/.exec(line)?.[1];
      return status === undefined
        ? []
        : [...line.matchAll(/`([a-z-]+)`/g)].map(([, code]) => [code, status]);
    }),
  );
  const codes = Object.fromEntries(
    Object.entries(protocolErrors).map((
      [code, [status]],
    ) => [code, String(status)]),
  );
  assertEquals(listed, codes);
});

Deno.test("README lists every code of a WebSocket with its close code", () => {
  const listed = Object.fromEntries(
    section("`Websocket`").split("\n").flatMap((line) => {
      const closeCode = /\| (1\d{3}) +\|$/.exec(line)?.[1];
      return closeCode === undefined
        ? []
        : [...line.matchAll(/`([a-z-]+)`/g)].map(([, code]) => [
          code,
          closeCode,
        ]);
    }),
  );
  const codes = Object.fromEntries(
    Object.entries(websocketErrors).map((
      [code, [closeCode]],
    ) => [code, String(closeCode)]),
  );
  assertEquals(listed, codes);
});

/** The rows of a table of names, and numbers in one of its columns. */
function readLimits(text: string, column: number): Record<string, number> {
  const rows = text.split("\n").filter((row) => row.startsWith("| `"));
  return Object.fromEntries(rows.map((row) => {
    const cells = row.split("|").map((cell) => cell.trim());
    const [number, unit] = cells[column].replace(",", "").split(" ");
    const factor = unit === "KiB" ? 1024 : unit === "MiB" ? 1024 ** 2 : 1;
    return [cells[1].slice(1, -1), Number(number) * factor];
  }));
}

Deno.test("README lists every limit with its default", async () => {
  await using server = startServer();
  assertEquals(readLimits(section("Limits"), 3), { ...server.limits });
});

Deno.test("README lists every limit of a client with its default", async () => {
  const [, table] = section("Options of `HttpClient`").split("| limit ");
  await using client = new HttpClient("http://localhost");
  assertEquals(readLimits(table, 3), { ...client.limits });
});

Deno.test("README lists every member of the classes", () => {
  const inner = [
    "answerBegun",
    "answering",
    "beginStream",
    "bodyLimits",
    "bodyQueued",
    "constructor",
    "decoded",
    "dispatchMessage",
    "eventsBy",
    "fail",
    "fault",
    "givenUp",
    "gone",
    "handlerFailed",
    "inputEnded",
    "isHeld",
    "isStreamed",
    "leave",
    "listen",
    "listenerFailed",
    "loaded",
    "more",
    "openBody",
    "peerGone",
    "planStream",
    "reader",
    "repeat",
    "receive",
    "removeEventListener",
    "startedBy",
    "succeed",
    "toString",
    "take",
    "watch",
  ];
  for (
    const [type, title] of [
      [ClientRequest, "ClientRequest"],
      [CookieJar, "CookieJar"],
      [HttpClient, "HttpClient"],
      [HttpResponse, "HttpResponse"],
      [IncomingMessage, "HttpResponse"],
      [HttpServer, "HttpServer"],
      [AnswerableRequest, "HttpConnection"],
      [HttpConnection, "HttpConnection"],
      [HttpRequest, "HttpConnection"],
      [IncomingMessage, "HttpConnection"],
      [Websocket, "Websocket"],
      [WebsocketEvents, "Websocket"],
    ] as const
  ) {
    const text = section(`\`${title}\``);
    for (const name of Object.getOwnPropertyNames(type.prototype)) {
      if (inner.includes(name)) continue;
      assert(text.includes(`\`${name}`), `${type.name}.${name}, ${title}`);
    }
  }
});
