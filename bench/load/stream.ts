// Downloads a chunked answer of 200 MiB, again and again on one connection:
// `PORT PATH SECONDS`. Prints one line of JSON, which counts MiB.
import { readAnswer, sendGet } from "./http.ts";

const MIB = 1024 * 1024;
const TOTAL = 200 * MIB;
const BUFFER = 262_144;

const CR = 13;
const LF = 10;

const State = {
  SIZE: 0, // in the digits of a chunk's size
  SIZE_LF: 1,
  DATA: 2,
  DATA_CR: 3,
  DATA_LF: 4,
  END_CR: 5, // behind the last chunk
  END_LF: 6,
  DONE: 7,
} as const;
type State = typeof State[keyof typeof State];

/** Counts the bytes of a chunked body, and takes no other framing. */
class Chunks {
  /** Bytes of data so far. */
  length = 0;
  #state: State = State.SIZE;
  #digits = "";
  #left = 0;

  get isDone(): boolean {
    return this.#state === State.DONE;
  }

  take(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to;) {
      if (this.#state === State.DATA) {
        const part = Math.min(this.#left, to - at);
        this.length += part;
        this.#left -= part;
        at += part;
        if (this.#left === 0) this.#state = State.DATA_CR;
      } else this.#framing(bytes[at++]);
    }
  }

  #framing(byte: number): void {
    switch (this.#state) {
      case State.SIZE:
        if (byte !== CR) this.#digits += String.fromCharCode(byte);
        else this.#state = State.SIZE_LF;
        return;
      case State.SIZE_LF:
        if (!/^[0-9A-Fa-f]{1,8}$/.test(this.#digits)) {
          throw new Error(`Not the size of a chunk: "${this.#digits}"`);
        }
        this.#left = parseInt(this.#digits, 16);
        this.#digits = "";
        this.#expect(byte, LF, this.#left > 0 ? State.DATA : State.END_CR);
        return;
      case State.DATA_CR:
        return this.#expect(byte, CR, State.DATA_LF);
      case State.DATA_LF:
        return this.#expect(byte, LF, State.SIZE);
      case State.END_CR:
        return this.#expect(byte, CR, State.END_LF);
      case State.END_LF:
        return this.#expect(byte, LF, State.DONE);
      default:
        throw new Error("There is more than the answer");
    }
  }

  #expect(byte: number, expected: number, next: State): void {
    if (byte !== expected) throw new Error(`Not the end of a line: ${byte}`);
    this.#state = next;
  }
}

const [port, path, seconds] = Deno.args;
const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
const buffer = new Uint8Array(BUFFER);
const begin = performance.now();
const until = begin + Number(seconds) * 1000;
let count = 0;
do {
  await sendGet(conn, path);
  const { head, start, end } = await readAnswer(conn, buffer);
  if (!/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) {
    throw new Error(`Not a chunked answer: ${head}`);
  }
  const chunks = new Chunks();
  chunks.take(buffer, start, end);
  while (!chunks.isDone) {
    const n = await conn.read(buffer);
    if (n === null) throw new Error("The answer was cut short");
    chunks.take(buffer, 0, n);
  }
  if (chunks.length !== TOTAL) throw new Error(`Sends ${chunks.length} bytes`);
  count += TOTAL / MIB;
} while (performance.now() < until);
const micros = Math.round((performance.now() - begin) * 1000);
conn.close();
console.log(JSON.stringify({ count, micros }));
