import { assert, assertEquals } from "@std/assert";
import {
  ClientRequest,
  CookieJar,
  HttpClient,
  HttpConnection,
  HttpRequest,
  HttpResponse,
  HttpServer,
  IncomingMessage,
  Websocket,
} from "@uhttp/uhttp";
import { protocolErrors } from "@uhttp/uhttp/parse";
import { AnswerableRequest } from "@uhttp/uhttp/server";
import { websocketErrors, WebsocketEvents } from "@uhttp/uhttp/websocket";
import { ExitCode } from "@uhttp/uhttp/cli";
import { join } from "@std/path";
import { startServer } from "../support/serving.ts";
import { PAGES, readPage, ROOT } from "./pages.ts";

/** What docs/ say under a heading. */
function section(file: string, title: string): string {
  const words = Deno.readTextFileSync(
    new URL(`../../docs/${file}`, import.meta.url),
  );
  const [, text] = words.split(`\n## ${title}\n`);
  return text.split(/\n##+ /)[0];
}

Deno.test("docs list every error code with its status", () => {
  const listed = Object.fromEntries(
    section("limits.md", "Errors").split("\n").flatMap((line) => {
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

Deno.test("docs list every code of a WebSocket with its close code", () => {
  const listed = Object.fromEntries(
    section("streams.md", "`Websocket`").split("\n").flatMap((line) => {
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

Deno.test("docs list every limit with its default", async () => {
  await using server = startServer();
  assertEquals(readLimits(section("limits.md", "Limits"), 3), {
    ...server.limits,
  });
});

Deno.test("docs list every limit of a client with its default", async () => {
  const [, table] = section("client.md", "Options of `HttpClient`").split(
    "| limit ",
  );
  await using client = new HttpClient("http://localhost");
  assertEquals(readLimits(table, 3), { ...client.limits });
});

Deno.test("docs list every member of the classes", () => {
  const inner = [
    "answerBegun",
    "answerFailed",
    "answerLost",
    "answerQueued",
    "answered",
    "answering",
    "beginStream",
    "breakOff",
    "bodyFault",
    "bodyLimits",
    "bodyQueued",
    "checkReadable",
    "constructor",
    "cutOff",
    "decoded",
    "dispatchControl",
    "dispatchMessage",
    "eventsBy",
    "fail",
    "fault",
    "givenUp",
    "gone",
    "handedOver",
    "handlerFailed",
    "inputEnded",
    "isGone",
    "isHeld",
    "isStreamed",
    "leave",
    "listen",
    "listenerFailed",
    "loaded",
    "more",
    "observe",
    "openBody",
    "pace",
    "partsEndFirst",
    "peerGone",
    "planStream",
    "reader",
    "repeat",
    "receive",
    "removeEventListener",
    "sending",
    "startedBy",
    "succeed",
    "toString",
    "take",
    "watch",
  ];
  for (
    const [type, file, title] of [
      [ClientRequest, "client.md", "ClientRequest"],
      [CookieJar, "client.md", "CookieJar"],
      [HttpClient, "client.md", "HttpClient"],
      [HttpResponse, "client.md", "HttpResponse"],
      [IncomingMessage, "client.md", "HttpResponse"],
      [HttpServer, "server.md", "HttpServer"],
      [AnswerableRequest, "server.md", "HttpConnection"],
      [HttpConnection, "server.md", "HttpConnection"],
      [HttpRequest, "server.md", "HttpConnection"],
      [IncomingMessage, "server.md", "HttpConnection"],
      [Websocket, "streams.md", "Websocket"],
      [WebsocketEvents, "streams.md", "Websocket"],
    ] as const
  ) {
    const text = section(file, `\`${title}\``);
    for (const name of Object.getOwnPropertyNames(type.prototype)) {
      if (inner.includes(name)) continue;
      assert(text.includes(`\`${name}`), `${type.name}.${name}, ${title}`);
    }
  }
});

Deno.test("docs name every option", () => {
  const words = PAGES.map(readPage).join("\n");
  const named = new Set(
    [...words.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) =>
      code.match(/\w+/g) ?? []
    ),
  );
  let count = 0;
  for (const room of ["server", "client", "message", "wire"]) {
    for (const { name: file } of Deno.readDirSync(join(ROOT, room))) {
      const code = readPage(`${room}/${file}`);
      for (
        const [, names] of code.matchAll(
          /(?:new OptionNames\b[^{;]*|_OPTIONS\b[^={;]*= )\{([^;]*?)\}/g,
        )
      ) {
        for (const [, name] of names.matchAll(/\b(\w+): true/g)) {
          assert(named.has(name), `${room}/${file}: ${name}`);
          count++;
        }
      }
    }
  }
  assert(count > 80, `${count} options`);
});

Deno.test("docs list every exit code of the command", () => {
  const table = readPage("docs/command.md").split("| exit code |")[1];
  const listed = [...table.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) =>
    Number(code)
  );
  assertEquals(listed, Object.values(ExitCode));
});
