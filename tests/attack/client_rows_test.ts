// The bytes of every response that the parser is tried with, as answers to
// requests: the right response, or the right error; and what becomes of the
// connection.
import { assertEquals } from "@std/assert";
import {
  ConnectionLostError,
  type HttpResponse,
  ResponseError,
} from "../../client.ts";
import { readFields } from "../../parse/fields.ts";
import {
  type ExpectedResponse,
  isFinal,
  type ResponseFault,
  type ResponseRow,
  responses,
} from "../cases/responses.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { ClientScene, failureOf } from "../support/client_scene.ts";
import { SPLITS } from "../support/memory_conn.ts";
import type { RawPeer } from "../support/raw_server.ts";

/** Rows that are longer are not cut at every place. */
const CUT_LIMIT = 200;

/** Rows for what a client never sends, or does not do. */
function isOurs({ methods, options }: ResponseRow): boolean {
  return !methods.some((method) => method?.toUpperCase() === "CONNECT") &&
    options.maxContentLength === undefined;
}

/** Pieces of which each comes at once. */
type Cut = (bytes: Uint8Array) => Uint8Array[];

/** An answer: its bytes, with those of interim ones, and what it must be. */
interface Answer {
  method: string;
  bytes: string;
  expected: ExpectedResponse | ResponseFault | "pending";
}

/** The answers of a row, each with the interim ones before it. */
function answersOf(row: ResponseRow): Answer[] {
  const { parts, responses, methods, end } = row;
  const answers: Answer[] = [];
  let bytes = "";
  for (let i = 0; i < parts.length; i++) {
    bytes += parts[i];
    const isLast = i === parts.length - 1;
    const expected = responses[i];
    const { status = 200 } = expected ?? {};
    if (expected !== undefined && !isFinal(status) && !isLast) continue;
    answers.push({
      method: methods[answers.length] ?? "GET",
      bytes,
      expected: expected === undefined
        ? typeof end === "string" ? "pending" : end
        // Interim responses do not answer.
        : isFinal(status)
        ? status === 101 ? { code: "unexpected-switch" } : expected
        : "pending",
    });
    bytes = "";
  }
  return answers;
}

function check(
  response: HttpResponse,
  expected: ExpectedResponse,
  body: string,
): void {
  const { status, statusMessage, protocol, trailers } = response;
  assertEquals({ status, statusMessage, protocol, body }, {
    status: expected.status ?? 200,
    statusMessage: expected.statusMessage ?? "OK",
    protocol: expected.protocol ?? "HTTP/1.1",
    body: expected.body ?? "",
  });
  if (expected.headers !== undefined) {
    assertEquals({ ...response.headers }, expected.headers);
  }
  assertEquals(trailers, readFields(expected.trailer ?? "", 0));
}

/** A server that gives the answers of one row, over and over, and a client. */
class Stage {
  readonly scene: ClientScene;
  #cut: Cut = (bytes) => [bytes];
  #answer: Answer | null = null;

  constructor({ options }: ResponseRow) {
    this.scene = new ClientScene(this.#script, {
      decompress: false,
      cookies: false,
      retry: false,
      maxResponseLength: Infinity,
      maxHeadersLength: options.maxHeadersLength ?? 16_384,
      maxHeadersCount: options.maxHeadersCount,
    });
  }

  readonly #script = async (peer: RawPeer): Promise<void> => {
    for (;;) {
      await peer.request();
      const { bytes, expected } = this.#answer!;
      await peer.sendPieces(this.#cut(latin1Bytes(bytes)));
      const isOpen = expected === "pending" ||
        "endsWithConnection" in expected && expected.endsWithConnection;
      if (isOpen) peer.close();
    }
  };

  /** Asks once, and is answered in pieces. */
  async play(answer: Answer, isStreamed: boolean, cut: Cut): Promise<void> {
    const { scene } = this;
    const { method, expected } = answer;
    this.#answer = answer;
    this.#cut = cut;
    const request = scene.request(method, "/", { stream: isStreamed });
    const whole = request.then(async (response) => {
      const bytes = isStreamed ? await response.readAll() : response.data;
      return [response, latin1Text(bytes)] as const;
    });
    let isKept = false;
    if (expected === "pending") await failureOf(ConnectionLostError, whole);
    else if ("code" in expected) {
      const error = await failureOf(ResponseError, whole);
      assertEquals(error.code, expected.code);
      if (expected.offset !== undefined) {
        assertEquals(error.offset, expected.offset);
      }
    } else {
      const [response, body] = await whole;
      check(response, expected, body);
      isKept = (expected.keepAlive ?? true) && !expected.endsWithConnection &&
        !mayBringBody(method, response);
    }
    if (isKept) assertEquals(scene.client.stats.connections, 1);
    else await scene.empty();
  }
}

/** Whether a body may come that is not to be sent. */
function mayBringBody(method: string, response: HttpResponse): boolean {
  const { status, headers } = response;
  const mayComeAtAll = method === "HEAD" || status === 304;
  const isNone = headers["content-length"] === "0" ||
    [204, 304].includes(status) && !("content-length" in headers) &&
      !("transfer-encoding" in headers);
  return mayComeAtAll && !isNone;
}

const CUTS: Cut[] = SPLITS.map(({ pieces }) => pieces);

for (const row of responses.filter(isOurs)) {
  const answers = answersOf(row);
  const codes = answers.map(({ expected }) =>
    typeof expected === "object" && "code" in expected ? expected.code : ""
  ).join("");
  Deno.test(`HttpClient ${codes ? `finds ${codes} in` : "takes"} ${row.name}`, async () => {
    const stage = new Stage(row);
    await using _ = stage.scene;
    for (const isStreamed of [false, true]) {
      for (const answer of answers) {
        for (const cut of CUTS) await stage.play(answer, isStreamed, cut);
        const { length } = answer.bytes;
        if (length > CUT_LIMIT) continue;
        for (let at = 1; at < length; at++) {
          await stage.play(answer, isStreamed, (bytes) => [
            bytes.subarray(0, at),
            bytes.subarray(at),
          ]);
        }
      }
    }
  });
}
