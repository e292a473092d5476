// Sends WebSocket messages that are to come back:
// `PORT PATH CONNECTIONS SECONDS text|binary SIZE DEPTH`. On each connection
// the next DEPTH messages go once all before are back. Prints one line of JSON,
// which counts messages.
import { makeFrame, openWebsocket } from "./frames.ts";
import { Poll, Socket } from "./sockets.ts";

const BUFFER = 262_144;
/** For how long all of a server's answers may be missing, in ms. */
const PATIENCE = 5_000;

const [port, path, connections, seconds, kind, size, depth] = Deno.args;
const total = Number(connections);
const perTurn = Number(depth);

const payload = Uint8Array.from(
  { length: Number(size) },
  (_, i) => kind === "text" ? 0x61 + i % 26 : i * 7,
);

const sent = makeFrame(payload, kind === "text", true);
const echoed = makeFrame(payload, kind === "text", false);
const headLength = echoed.length - payload.length;
const turn = new Uint8Array(sent.length * perTurn);
for (let i = 0; i < perTurn; i++) turn.set(sent, i * sent.length);

const buffer = new Uint8Array(BUFFER);
let count = 0;

/** One connection: it compares the first message, then heads and lengths. */
class Client {
  readonly socket: Socket = new Socket(Number(port));
  #messages = 0;
  // Bytes of the frame that comes in at present, and frames of this turn.
  #at = 0;
  #frames = 0;

  async open(): Promise<void> {
    await openWebsocket(this.socket, path, buffer);
  }

  /** Sends the messages of one turn. */
  send(): void {
    this.#frames = 0;
    this.socket.send(turn);
  }

  /** Takes what there is; returns whether the turn is over. */
  receive(): boolean {
    const length = this.socket.receive(buffer);
    if (length === 0) throw new Error("A WebSocket was closed");
    for (let from = 0; from < length;) {
      const part = Math.min(length - from, echoed.length - this.#at);
      const checked = this.#messages === 0 ? echoed.length : headLength;
      for (let i = this.#at; i < checked && i < this.#at + part; i++) {
        if (buffer[from + i - this.#at] !== echoed[i]) {
          throw new Error(`Message ${this.#messages} is wrong at byte ${i}`);
        }
      }
      from += part;
      this.#at += part;
      if (this.#at < echoed.length) continue;
      this.#at = 0;
      this.#messages++;
      count++;
      if (++this.#frames > perTurn) throw new Error("More came than was sent");
    }
    return this.#frames === perTurn;
  }
}

const clients = Array.from({ length: total }, () => new Client());
for (const client of clients) await client.open();
const poll = new Poll(clients.map((client) => client.socket));

const start = performance.now();
const until = start + Number(seconds) * 1000;
for (const client of clients) client.send();
for (let underWay = total; underWay > 0;) {
  const ready = poll.wait(PATIENCE);
  if (ready === 0) throw new Error("The server has stopped to answer");
  const isOver = performance.now() >= until;
  clients.forEach((client, i) => {
    if (!poll.isReady(i) || !client.receive()) return;
    if (isOver) underWay--;
    else client.send();
  });
}
const micros = Math.round((performance.now() - start) * 1000);
for (const client of clients) client.socket.close();
console.log(JSON.stringify({ count, micros }));
