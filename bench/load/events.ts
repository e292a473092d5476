// Opens event streams and takes what comes: `PORT PATH CONNECTIONS`. Prints
// `open N` once all have had an event. Counts from the first line of standard
// input on, until that ends; then prints one line of JSON: how many events in
// how long, and what was wrong with them.
//
// The data of an event is `#N xxx~`, where N goes up by one: between the two
// marks, which come nowhere else, there are as many characters each time.
import { readAnswer, sendGet } from "./http.ts";

const AT_ONCE = 50;
const HASH = 0x23;
const TILDE = 0x7e;
const ZERO = 0x30;
const NINE = 0x39;
const PADDING = 53; // a space and 52 times "x"
/** How far apart, in events, clients may be when the load stops. */
const SLACK = 10;

const [port, path, connections] = Deno.args;
const total = Number(connections);
const viewers: Viewer[] = [];
let count = 0;
let fault = "";
let isOver = false;

const NO_DIGIT = -1;

/** One client: it checks each event, however that is cut. */
class Viewer {
  last = 0;
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(2048);
  // Whether an event is under way, its number so far, and what follows that.
  #isInside = false;
  #number = 0;
  #padding = NO_DIGIT;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Asks, and waits for the first event. */
  async start(): Promise<void> {
    await sendGet(this.#conn, path, "Accept: text/event-stream\r\n");
    const { head, start, end } = await readAnswer(this.#conn, this.#buffer);
    if (!/\r\ncontent-type: *text\/event-stream/i.test(head)) {
      throw new Error(`Not a stream of events: ${head}`);
    }
    this.#take(start, end);
    while (this.last === 0) {
      const n = await this.#conn.read(this.#buffer);
      if (n === null) throw new Error("A stream ended");
      this.#take(0, n);
    }
    this.#readNext();
  }

  #readNext(): void {
    this.#conn.read(this.#buffer).then(this.#onRead, this.#onFailure);
  }

  readonly #onRead = (n: number | null): void => {
    if (n === null) {
      if (!isOver) fault ||= "A stream ended";
      return;
    }
    this.#take(0, n);
    this.#readNext();
  };

  readonly #onFailure = (error: Error): void => {
    if (!isOver) fault ||= error.message;
  };

  close(): void {
    this.#conn.close();
  }

  #take(from: number, to: number): void {
    const bytes = this.#buffer;
    for (let at = from; at < to; at++) {
      const byte = bytes[at];
      if (!this.#isInside) {
        if (byte !== HASH) continue;
        this.#isInside = true;
        this.#number = 0;
        this.#padding = NO_DIGIT;
      } else if (byte === TILDE) {
        this.#isInside = false;
        this.#finish();
      } else if (this.#padding !== NO_DIGIT) this.#padding++;
      else if (byte >= ZERO && byte <= NINE) {
        this.#number = this.#number * 10 + byte - ZERO;
      } else this.#padding = 1;
    }
  }

  #finish(): void {
    const { last } = this;
    this.last = this.#number;
    count++;
    if (last !== 0 && this.#number !== last + 1) {
      fault ||= `Event ${this.#number} follows ${last}`;
    }
    if (this.#padding !== PADDING) {
      fault ||= `Event ${this.#number} has a wrong length`;
    }
  }
}

async function openSome(): Promise<void> {
  while (viewers.length < total) {
    const conn = Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const index = viewers.length;
    viewers.length++; // taken
    viewers[index] = new Viewer(await conn);
    await viewers[index].start();
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, openSome));
console.log(`open ${viewers.length}`);
const input = new Uint8Array(64);
await Deno.stdin.read(input);
const before = count;
const begin = performance.now();
while (await Deno.stdin.read(input) !== null);
const micros = Math.round((performance.now() - begin) * 1000);
const counted = count - before;
const lasts = viewers.map((viewer) => viewer.last);
if (Math.max(...lasts) - Math.min(...lasts) > SLACK) {
  fault ||= `Some are at event ${Math.min(...lasts)}, others at ` +
    Math.max(...lasts);
}
isOver = true;
for (const viewer of viewers) viewer.close();
console.log(JSON.stringify({ count: counted, micros, fault }));
