// The closing handshake as rows: of the protocol alone, which is told all that
// happens, and of the WebSocket that stands on it. Bytes come whole and one by
// one.
import { assertEquals } from "@std/assert";
import {
  FrameEvent,
  FrameReader,
  Opcode,
  Websocket,
  type WebsocketRole,
  writeFrame,
} from "../../websocket.ts";
import { Protocol, writeClosePayload } from "../../websocket/protocol.ts";
import type { WebsocketAct, WebsocketMove } from "../../websocket/states.ts";
import { type ClosingRow, closingRows } from "../cases/websocket_closing.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { FakeSink, turns } from "./fake_sink.ts";

const KEY = new Uint8Array([9, 0, 255, 4]);
const CLOSE_TIMEOUT = 77;

/** What came of a row. */
interface Outcome {
  seen: string[];
  sent: string[];
  end: ClosingRow["end"];
}

/** "close:1000:why" or "close" as the payload of a close frame. */
function closePayload(text: string): Uint8Array<ArrayBuffer> {
  const [, code, reason] = text.split(":");
  return code === undefined
    ? new Uint8Array(0)
    : writeClosePayload(Number(code), reason);
}

/** The frame of the peer that a row names; `null` if it names something else. */
function frameOf(text: string, role: WebsocketRole): Uint8Array | null {
  const [kind, payload = ""] = text.split(":");
  const key = role === "server" ? KEY : null;
  switch (kind) {
    case "text":
      return writeFrame(Opcode.TEXT, latin1Bytes(payload), key);
    case "ping":
      return writeFrame(Opcode.PING, latin1Bytes(payload), key);
    case "close":
      return writeFrame(Opcode.CLOSE, closePayload(text), key);
    case "part":
      return writeFrame(Opcode.TEXT, latin1Bytes("part"), key).subarray(0, -1);
    case "bad":
      return new Uint8Array([0xf1]);
    default:
      return null;
  }
}

/** What was sent, as a row has it. */
function readSent(bytes: Uint8Array, role: WebsocketRole): string[] {
  const reader = new FrameReader({
    role: role === "server" ? "client" : "server",
  });
  const sent: string[] = [];
  reader.feed(new Uint8Array(bytes));
  for (;;) {
    switch (reader.next()) {
      case FrameEvent.MORE:
        return sent;
      case FrameEvent.MESSAGE:
        sent.push(`text:${reader.text}`);
        break;
      case FrameEvent.PONG:
        sent.push(`pong:${latin1Text(reader.payload)}`);
        break;
      case FrameEvent.CLOSE:
        sent.push(`close:${reader.closeCode}:${reader.closeReason}`);
        break;
      default:
        throw new Error("Sent what makes no sense");
    }
  }
}

function pieces(bytes: Uint8Array, isWhole: boolean): Uint8Array[] {
  return isWhole
    ? [new Uint8Array(bytes)]
    : Array.from(bytes, (byte) => new Uint8Array([byte]));
}

/** A protocol, and somebody who does what it asks for, and no more. */
class Scene {
  readonly seen: string[] = [];
  end: ClosingRow["end"] = "";
  isStopped = false;
  hasTimer = false;
  readonly #role: WebsocketRole;
  readonly #protocol: Protocol;
  readonly #sent: number[] = [];
  #queuedClose: Uint8Array | null = null;

  constructor(role: WebsocketRole) {
    this.#role = role;
    this.#protocol = new Protocol({ role });
  }

  get sent(): string[] {
    return readSent(Uint8Array.from(this.#sent), this.#role);
  }

  happens(text: string, isWhole: boolean): void {
    const frame = frameOf(text, this.#role);
    if (frame !== null) {
      for (const piece of pieces(frame, isWhole)) this.#receive(piece);
    } else if (text.startsWith("app ")) this.#applies(text.slice(4));
    else this.#move(text as WebsocketMove);
  }

  #send(opcode: Opcode, payload: Uint8Array): void {
    const key = this.#role === "client" ? KEY : null;
    this.#sent.push(...writeFrame(opcode, payload, key));
  }

  #applies(text: string): void {
    const protocol = this.#protocol;
    if (text.startsWith("close")) {
      if (!protocol.isOpen) return;
      protocol.close(closePayload(text));
      this.#act();
    } else if (protocol.isOpen || protocol.isLastWord) {
      this.#send(Opcode.TEXT, latin1Bytes(text.split(":")[1]));
    }
  }

  #receive(bytes: Uint8Array): void {
    const protocol = this.#protocol;
    if (!protocol.isReading) return;
    const { frames } = protocol;
    frames.feed(bytes);
    for (;;) {
      switch (protocol.next()) {
        case FrameEvent.MORE:
          return;
        case FrameEvent.MESSAGE:
          this.seen.push(`text:${frames.text}`);
          break;
        case FrameEvent.PING:
          this.#send(Opcode.PONG, frames.payload);
          break;
        case FrameEvent.CLOSE:
        case FrameEvent.FAILED:
          this.#act();
          return;
      }
    }
  }

  #move(move: WebsocketMove): void {
    const isSent = move === "sent" && this.#queuedClose !== null;
    if (isSent) this.#send(Opcode.CLOSE, this.#queuedClose!);
    this.#protocol.move(move);
    this.#act();
  }

  #act(): void {
    const [, ...acts] = this.#protocol.step;
    for (const act of acts as WebsocketAct[]) this.#do(act);
  }

  #do(act: WebsocketAct): void {
    const { code, reason, error } = this.#protocol;
    switch (act) {
      case "startTimer":
      case "linger":
        assertEquals(this.hasTimer, false);
        this.hasTimer = true;
        break;
      case "sendClose":
        assertEquals(this.#queuedClose, null);
        this.#queuedClose = this.#protocol.closePayload;
        break;
      case "report":
        this.seen.push(`fault:${error!.closeCode}`);
        break;
      case "stop":
        this.hasTimer = false;
        break;
      case "end":
      case "destroy":
        assertEquals(this.end, "");
        this.end = act;
        break;
      case "tellClean":
        this.seen.push(`closed:${code}:${reason}:clean`);
        break;
      case "tellLost":
        this.seen.push(`closed:${code}:${reason}:lost`);
    }
  }
}

for (const row of closingRows) {
  const roles = row.role === undefined
    ? ["server", "client"] as const
    : [row.role];
  for (const role of roles) {
    const { happens, seen, sent, end } = row;
    Deno.test(`Protocol (${role}): ${row.name} (${row.rfc})`, () => {
      for (const isWhole of [true, false]) {
        const scene = new Scene(role);
        for (const text of happens) scene.happens(text, isWhole);
        assertEquals<Outcome>({
          seen: scene.seen,
          sent: scene.sent,
          end: scene.end,
        }, { seen, sent, end });
        // A client that waits for the server alone has one.
        const isLingering = role === "client" && end === "" &&
          !happens.includes("gone");
        assertEquals(scene.hasTimer, isLingering);
      }
    });
    if (row.isOfProtocol) continue;
    Deno.test(`Websocket (${role}): ${row.name} (${row.rfc})`, async () => {
      for (const isWhole of [true, false]) {
        assertEquals(await play(row, role, isWhole), { seen, sent, end });
      }
    });
  }
}

/** The same of a WebSocket, which comes to rest and sends by itself. */
async function play(
  { happens }: ClosingRow,
  role: WebsocketRole,
  isWhole: boolean,
): Promise<Outcome> {
  const sink = new FakeSink();
  const ws = new Websocket(sink, { role, closeTimeout: CLOSE_TIMEOUT });
  const seen: string[] = [];
  ws.onmessage = ({ data }) => seen.push(`text:${data}`);
  ws.onerror = ({ error }) => seen.push(`fault:${error.closeCode}`);
  ws.onclose = ({ code, reason, wasClean }) =>
    seen.push(`closed:${code}:${reason}:${wasClean ? "clean" : "lost"}`);
  await turns();
  for (const text of happens) {
    const frame = frameOf(text, role);
    if (frame !== null) {
      for (const piece of pieces(frame, isWhole)) ws.receive(piece);
    } else if (text.startsWith("app close")) {
      const [, code, reason] = text.split(":");
      ws.close(Number(code), reason);
    } else if (text.startsWith("app text")) ws.send(text.split(":")[1]);
    else if (text === "inputEnded" || text === "gone") ws[text]();
    else if (text === "timeUp") sink.fire(CLOSE_TIMEOUT);
    else if (text === "dropped") {
      // It is sent more than it reads.
      const { output } = sink;
      sink.isStuck = true;
      ws.send("x".repeat(70_000));
      ws.send("x");
      sink.flushed.splice(0, sink.flushed.length, output);
    }
    await turns();
  }
  return {
    seen,
    sent: readSent(sink.output, role),
    end: sink.destroyed > 0 ? "destroy" : sink.ended > 0 ? "end" : "",
  };
}
