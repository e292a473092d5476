import { Buffer } from "node:buffer";

/** A response as it came over the wire. */
export interface RawResponse {
  status: number;
  statusMessage: string;
  /** Lower-case names; lines of one name joined with a line feed. */
  headers: Record<string, string>;
  body: string;
  bytes: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Least room for what is received next. */
const ROOM = 16_384;

/** What a peer sends and gets, byte for byte. */
export class RawClient implements Disposable {
  readonly conn: Deno.Conn;
  /** What was received and not taken yet lies from `#start` to `#end`. */
  #buffer = Buffer.alloc(ROOM);
  #start = 0;
  #end = 0;
  #isClosed = false;
  /** Whether the server has closed its side. */
  ended = false;

  constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  /** Connects to a server on TCP. */
  static async connect(
    server: { addr: Deno.Addr },
  ): Promise<RawClient> {
    const { hostname, port } = server.addr as Deno.NetAddr;
    const address = hostname === "0.0.0.0" ? "127.0.0.1" : hostname;
    return new RawClient(await Deno.connect({ hostname: address, port }));
  }

  /** Sends all of it. */
  async send(data: string | Uint8Array): Promise<void> {
    let bytes = typeof data === "string" ? encoder.encode(data) : data;
    while (bytes.length > 0) {
      bytes = bytes.subarray(await this.conn.write(bytes));
    }
  }

  /** Receives some more; false at the end, or when the connection broke. */
  async more(): Promise<boolean> {
    this.#makeRoom();
    let length: number | null = null;
    try {
      length = await this.conn.read(this.#buffer.subarray(this.#end));
    } catch {
      // A reset ends the stream as well.
    }
    if (length === null) {
      this.ended = true;
      return false;
    }
    this.#end += length;
    return true;
  }

  /** Moves what is left to the front of a buffer that is large enough. */
  #makeRoom(): void {
    if (this.#buffer.length - this.#end >= ROOM) return;
    const rest = this.#buffer.subarray(this.#start, this.#end);
    // Twice the room when half of it is taken, so that little is copied.
    if (2 * rest.length + ROOM > this.#buffer.length) {
      this.#buffer = Buffer.alloc(4 * (rest.length + ROOM));
    }
    this.#buffer.set(rest);
    this.#start = 0;
    this.#end = rest.length;
  }

  /** What has been received and not read yet, as text. */
  get pending(): string {
    return decoder.decode(this.#buffer.subarray(this.#start, this.#end));
  }

  /** Receives up to and with a text. */
  async until(text: string): Promise<string> {
    for (;;) {
      const received = this.#buffer.subarray(this.#start, this.#end);
      const index = received.indexOf(text, "latin1");
      if (index >= 0) return decoder.decode(this.#take(index + text.length));
      if (!await this.more()) {
        throw new Error(`Ended before ${JSON.stringify(text)}`);
      }
    }
  }

  /** Receives to the end. */
  async rest(): Promise<string> {
    while (await this.more());
    return decoder.decode(this.#take(this.#length));
  }

  /** Receives so many bytes. */
  async bytes(length: number): Promise<Uint8Array> {
    while (this.#length < length) {
      if (!await this.more()) throw new Error(`Ended before ${length} bytes`);
    }
    return this.#take(length);
  }

  /** Receives a chunked body, to the letter; none of its chunks is empty. */
  async chunks(): Promise<Uint8Array[]> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const line = await this.until("\r\n");
      if (!/^(?:0|[1-9a-f][0-9a-f]*)\r\n$/.test(line)) {
        throw new Error(`Bad chunk size: ${JSON.stringify(line)}`);
      }
      const size = parseInt(line, 16);
      if (size > 0) chunks.push(await this.bytes(size));
      if (decoder.decode(await this.bytes(2)) !== "\r\n") {
        throw new Error("Chunk does not end with CR LF");
      }
      if (size === 0) return chunks;
    }
  }

  /** Receives one response, by its framing or to the end. */
  async response(isHead = false): Promise<RawResponse> {
    const head = await this.until("\r\n\r\n");
    const [line, ...fields] = head.slice(0, -4).split("\r\n");
    const match = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(line);
    if (match === null) throw new Error(`Bad status line: ${line}`);
    const headers: Record<string, string> = {};
    for (const field of fields) {
      const colon = field.indexOf(": ");
      const name = field.slice(0, colon);
      const value = field.slice(colon + 2);
      headers[name] = name in headers ? `${headers[name]}\n${value}` : value;
    }
    const status = Number(match[1]);
    const hasBody = !isHead && status >= 200 && status !== 204 &&
      status !== 304;
    const length = Number(headers["content-length"] ?? NaN);
    const isChunked = hasBody && headers["transfer-encoding"] === "chunked";
    let bytes: Uint8Array;
    if (!hasBody) bytes = this.#take(0);
    else if (isChunked) bytes = joined(await this.chunks());
    else {
      while (!(this.#length >= length)) {
        if (!await this.more()) break;
      }
      bytes = this.#take(Number.isNaN(length) ? this.#length : length);
    }
    const statusMessage = match[2];
    return {
      status,
      statusMessage,
      headers,
      body: decoder.decode(bytes),
      bytes,
    };
  }

  get #length(): number {
    return this.#end - this.#start;
  }

  #take(length: number): Uint8Array {
    const end = Math.min(this.#start + length, this.#end);
    const taken = new Uint8Array(this.#buffer.subarray(this.#start, end));
    this.#start = end;
    return taken;
  }

  /** Closes the socket. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.conn.close();
    } catch {
      // Closed by the test already.
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
