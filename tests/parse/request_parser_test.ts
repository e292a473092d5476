import { assertEquals } from "@std/assert";
import { ParseEvent, protocolErrors, RequestParser } from "../../parse.ts";
import {
  type ExpectedRequest,
  type RequestRow,
  requests,
} from "../cases/requests.ts";
import { clientCodes, responseCodes } from "../cases/responses.ts";
import { latin1Bytes } from "../support/bytes.ts";
import {
  bytewise,
  cutAt,
  type Outcome,
  Random,
  readPieces,
  type ReadRequest,
  readWhole,
  twoCuts,
} from "../support/splits.ts";

/** Rows up to this length are cut at every two places. */
const TWO_CUTS = 72;
const NEXT = "GET /next HTTP/1.1\r\nHost: next\r\n\r\n";

const plain: Required<Omit<ExpectedRequest, "headers">> = {
  method: "GET",
  target: "/",
  protocol: "HTTP/1.1",
  body: "",
  trailer: "",
  keepAlive: true,
  expectContinue: false,
  upgrade: false,
};

function assertRequest(read: ReadRequest, expected: ExpectedRequest): void {
  const { headers, hasBody, isComplete: _, ...rest } = read;
  const { headers: expectedHeaders, ...values } = expected;
  assertEquals(rest, { ...plain, ...values });
  if (expected.body) assertEquals(hasBody, true);
  if (expectedHeaders !== undefined) {
    assertEquals(Object.entries(headers), Object.entries(expectedHeaders));
  }
}

function assertOutcome(outcome: Outcome, row: RequestRow): void {
  const complete = outcome.requests.filter((request) => request.isComplete);
  assertEquals(complete.length, row.requests.length, "requests");
  complete.forEach((read, i) => assertRequest(read, row.requests[i]));
  if (typeof row.end === "string") {
    assertEquals([outcome.end, outcome.code], [row.end, undefined]);
    return;
  }
  const { code, status, offset } = outcome;
  assertEquals({ code, status }, {
    code: row.end.code,
    status: row.end.status,
  });
  if (row.end.offset !== undefined) assertEquals(offset, row.end.offset);
}

function verb(row: RequestRow): string {
  if (row.end === "complete") return "accepts";
  return row.end === "pending" ? "waits behind" : `refuses (${row.end.code})`;
}

for (const row of requests) {
  Deno.test(`RequestParser ${verb(row)} ${row.name} [${row.rfc}]`, () => {
    const bytes = latin1Bytes(row.input);
    const outcome = readWhole(bytes, row.options);
    assertOutcome(outcome, row);

    // However the bytes are cut, the outcome is the same to the letter.
    const text = JSON.stringify(outcome);
    const same = (pieces: Iterable<Uint8Array>, name: string) => {
      const other = JSON.stringify(readPieces(pieces, row.options));
      // Compared first, as to build the message is dear.
      if (other !== text) assertEquals(JSON.parse(other), outcome, name);
    };
    same([bytes], "as from a socket");
    same(bytewise(bytes), "byte by byte");
    if (bytes.length < 1024) {
      const isOver = (first: Uint8Array) =>
        readPieces([first], row.options).end === "failed";
      for (const pieces of twoCuts(bytes, TWO_CUTS, isOver)) {
        same(pieces, `cut into ${pieces.map((piece) => piece.length)}`);
      }
    }
    const random = new Random(bytes.length);
    for (let i = 0; i < 20; i++) same(random.pieces(bytes), "random cuts");
    if (row.end !== "pending") assertWithBytesBehind(row);
  });
}

/** What follows a row may not change what came of it. */
function assertWithBytesBehind(row: RequestRow): void {
  const bytes = latin1Bytes(row.input);
  const alone = readWhole(bytes, row.options);
  for (const behind of [NEXT, "\0", "\r\n\r\n"]) {
    const more = latin1Bytes(row.input + behind);
    const outcome = readWhole(more, row.options);
    assertEquals(readPieces(cutAt(more, bytes.length), row.options), outcome);
    if (row.end !== "complete") {
      assertEquals(outcome, alone);
      continue;
    }
    const count = alone.requests.length;
    assertEquals(outcome.requests.slice(0, count), alone.requests);
    if (behind === NEXT) {
      assertEquals(outcome.end, "complete");
      assertEquals(outcome.requests.at(-1)!.target, "/next");
    } else {
      assertEquals([outcome.end, outcome.offset], ["failed", 0]);
    }
  }
}

Deno.test("RequestParser refuses every code of a message by some row", () => {
  const ofRows = new Set(
    requests.map((row) => typeof row.end === "string" ? "" : row.end.code),
  );
  const others = [
    "bad-json",
    "json-too-deep",
    "bad-encoding",
    "bad-multipart",
    "header-timeout",
    "body-timeout",
    "answer-timeout",
    "too-many-parts",
    "too-many-fields",
    "not-a-form",
    ...responseCodes,
    ...clientCodes,
  ];
  assertEquals(
    Object.keys(protocolErrors).filter((code) => !ofRows.has(code as never)),
    others,
  );
});

Deno.test("RequestParser never repeats the peer's bytes in a message", () => {
  for (const row of requests.filter((row) => typeof row.end !== "string")) {
    const parser = new RequestParser(row.options);
    parser.push(latin1Bytes(row.input));
    let event = parser.next();
    while (event !== ParseEvent.FAILED && event !== ParseEvent.MORE) {
      event = parser.next();
    }
    const { code, message } = parser.error!;
    assertEquals(message, protocolErrors[code][1], row.name);
  }
});
