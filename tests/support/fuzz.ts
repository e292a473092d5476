/** Random numbers that are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, and without, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** One of several. */
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}

/** Requests of all kinds, as one character a byte; all are to be answered. */
export const VALID_REQUESTS: readonly string[] = [
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET /a%20b?x=1&x=2&y HTTP/1.1\r\nHost: example.com:8080\r\n" +
  "Cookie: a=1; b=2\r\nAccept: */*\r\n\r\n",
  "HEAD /h HTTP/1.1\r\nhost: [::1]:80\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n",
  "GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
  "PURGE /x HTTP/1.1\r\nHost: a\r\nX-Long: " + "v".repeat(300) + "\r\n\r\n",
  "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
  "PUT /b HTTP/1.1\r\nHost: a\r\nContent-Length: 1500\r\n\r\n" +
  "x".repeat(1500),
  "POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" +
  'Content-Length: 15\r\n\r\n{"a":[1,2,"3"]}',
  "POST /f HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n" +
  "Content-Type: application/x-www-form-urlencoded\r\n\r\na=1&b=%C3%A9",
  "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
  "5\r\nhello\r\n0\r\n\r\n",
  "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
  '1;x=y\r\na\r\nA;n="q\\"s"\r\n0123456789\r\n000\r\nT: 1\r\nU: 2\r\n\r\n',
  "POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" +
  "Content-Length: 3\r\n\r\nabc",
];

// What parsers have tripped over before.
const WORDS: readonly string[] = [
  "\r\n",
  "\r",
  "\n",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  "\xff",
  "\r\n\r\n",
  "Host: b\r\n",
  "Content-Length: 0\r\n",
  "Content-Length: 7\r\n",
  "Content-Length: +1\r\n",
  "Content-Length: 99999999999999999999\r\n",
  "Content-Length: 9007199254740991\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive, upgrade\r\n",
  "Expect: 100-continue\r\n",
  "Expect: 1\r\n",
  " folded: x\r\n",
  "HTTP/2.0",
  "HTTP/1.0",
  "CONNECT a:1",
  "http://",
  "fffffffffffffffff\r\n",
  "0\r\n\r\n",
  '{"a":',
  "__proto__",
  "A".repeat(3000),
  "X: y\r\n".repeat(120),
];

/** A request with one to three faults, or rarely with none. */
export function mutate(random: Random, request: string): string {
  let text = request;
  for (let faults = random.below(4); faults > 0; faults--) {
    const at = random.below(text.length + 1);
    const length = 1 + random.below(8);
    switch (random.below(7)) {
      case 0: // another byte
        text = text.slice(0, at) + String.fromCharCode(random.below(256)) +
          text.slice(at + 1);
        break;
      case 1: // a piece is missing
        text = text.slice(0, at) + text.slice(at + length);
        break;
      case 2: // a piece is repeated
        text = text.slice(0, at + length) + text.slice(at);
        break;
      case 3: // something comes in between
        text = text.slice(0, at) + random.pick(WORDS) + text.slice(at);
        break;
      case 4: { // between two lines
        const line = text.indexOf("\r\n", at);
        if (line < 0) break;
        text = text.slice(0, line + 2) + random.pick(WORDS) +
          text.slice(line + 2);
        break;
      }
      case 5: // it goes on as another request
        text = text.slice(0, at) + random.pick(VALID_REQUESTS).slice(at);
        break;
      default: // another letter case
        text = text.slice(0, at) +
          text.slice(at, at + length).toUpperCase() + text.slice(at + length);
    }
  }
  return text;
}

/** Text of one character a byte as bytes. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Cuts bytes into so many pieces, some of them empty or of one byte. */
export function cut(
  random: Random,
  bytes: Uint8Array,
  pieces: number,
): Uint8Array[] {
  const marks = [0, bytes.length];
  for (let i = 1; i < pieces; i++) marks.push(random.below(bytes.length + 1));
  marks.sort((a, b) => a - b);
  return marks.slice(1).map((end, i) => bytes.subarray(marks[i], end));
}
