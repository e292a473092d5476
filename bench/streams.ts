// The scenarios that go on for a while: bodies that stream in and out, events,
// WebSockets. Each has a check of the answer, and what measures it.
import {
  cpuMicros,
  denoLoad,
  holdLoad,
  memoryKib,
  resetPeakMemory,
  runLoad,
  type Server,
  sleep,
} from "./processes.ts";
import {
  EVENTS_WARM_UP,
  EVENTS_WINDOW,
  type Sample,
  type Scenario,
} from "./scenarios.ts";

const MIB = 1024 * 1024;
const VERIFY_TIMEOUT = 15_000;

/** What the loads of this file print: how many units, in how long. */
interface Count {
  readonly count: number;
  readonly micros: number;
}

/** Rates and costs of what was counted while a server used so much time. */
function sampleOf({ count, micros }: Count, cpu: number): Sample {
  if (!(count > 0)) throw new Error("Counted nothing");
  return {
    rps: count / (micros / 1_000_000),
    cpu: cpu / count,
    core: (cpu / micros) * 100,
  };
}

/** Runs a script of `load/` to its end; gives what it and the server did. */
async function count(
  server: Server,
  ticksPerSecond: number,
  seconds: number,
  name: string,
  ...args: (string | number)[]
): Promise<Sample> {
  const before = cpuMicros(server.pid, ticksPerSecond);
  const text = await runLoad(denoLoad(name, server.port, ...args), seconds);
  const cpu = cpuMicros(server.pid, ticksPerSecond) - before;
  return sampleOf(JSON.parse(text), cpu);
}

/** Asks as a client that compresses nothing. */
function ask(
  scenario: Scenario,
  server: Server,
  init: RequestInit = {},
): Promise<Response> {
  return fetch(address("http", scenario, server), {
    ...init,
    headers: { "Accept-Encoding": "identity" },
    signal: AbortSignal.timeout(VERIFY_TIMEOUT),
  });
}

function address(scheme: string, scenario: Scenario, server: Server): string {
  return `${scheme}://127.0.0.1:${server.port}${scenario.path}`;
}

async function checkHead(response: Response, type: string): Promise<void> {
  const { status, headers } = response;
  const actual = headers.get("content-type") ?? "";
  if (status === 200 && actual.startsWith(type)) return;
  await response.body?.cancel();
  throw new Error(`Answers ${status} with type "${actual}"`);
}

// ---- Uploads ----------------------------------------------------------------

/** Sends bodies of several lengths, which are to be counted rightly. */
export async function verifyUpload(
  scenario: Scenario,
  server: Server,
): Promise<void> {
  for (const length of [1, 65_537, 3 * MIB + 1]) {
    const bytes = new Uint8Array(length);
    const isChunked = scenario.name === "upload-chunked";
    const body = isChunked ? new Blob([bytes]).stream() : bytes;
    const response = await ask(scenario, server, { method: "POST", body });
    await checkHead(response, "");
    const text = await response.text();
    if (text !== String(length)) {
      throw new Error(`Counts "${text.slice(0, 100)}" bytes of ${length}`);
    }
  }
}

/** Uploads after a warm-up of uploads; memory is that of the same ones. */
export async function runUpload(
  scenario: Scenario,
  server: Server,
  seconds: number,
  ticksPerSecond: number,
): Promise<Sample> {
  const upload = (time: number): Promise<Sample> => {
    const mode = scenario.name === "upload-chunked" ? "chunked" : "length";
    const args = [scenario.path, mode, time];
    return count(server, ticksPerSecond, time, "upload.ts", ...args);
  };
  await upload(1);
  const low = memoryKib(server.pid, "VmRSS");
  resetPeakMemory(server.pid);
  const sample = await upload(seconds);
  const high = memoryKib(server.pid, "VmHWM");
  return { ...sample, growth: (high - low) / 1024 };
}

// ---- Streamed answers -------------------------------------------------------

/** Reads one answer to its end, and compares the first of its pieces. */
export async function verifyStream(
  scenario: Scenario,
  server: Server,
): Promise<void> {
  const response = await ask(scenario, server);
  await checkHead(response, "application/octet-stream");
  if (response.headers.has("content-length")) {
    await response.body?.cancel();
    throw new Error("Knows the length before, which the others do not");
  }
  let length = 0;
  for await (const piece of response.body!) {
    // Each of its pieces counts from 0 to 255 and over again.
    if (length < 65_536) {
      for (let i = 0; i < piece.length; i++) {
        if (piece[i] !== ((length + i) & 255)) {
          throw new Error(`Sends a wrong byte at ${length + i}`);
        }
      }
    }
    length += piece.length;
  }
  if (length !== 200 * MIB) throw new Error(`Sends ${length} bytes`);
}

/** Downloads again and again. */
export function runStream(
  { path }: Scenario,
  server: Server,
  seconds: number,
  ticksPerSecond: number,
): Promise<Sample> {
  const args = [path, seconds];
  return count(server, ticksPerSecond, seconds, "stream.ts", ...args);
}

// ---- Events -----------------------------------------------------------------

/** Reads a few events and compares every byte of them. */
export async function verifyEvents(
  scenario: Scenario,
  server: Server,
): Promise<void> {
  const response = await ask(scenario, server);
  await checkHead(response, "text/event-stream");
  let text = "";
  for await (
    const piece of response.body!.pipeThrough(new TextDecoderStream())
  ) {
    text += piece;
    if (text.split("\n\n").length > 4) break;
  }
  const first = Number(/^id: (\d+)\n/.exec(text)?.[1]);
  for (const [i, event] of text.split("\n\n").slice(0, 4).entries()) {
    const id = first + i;
    if (event !== `id: ${id}\ndata: #${id} ${"x".repeat(52)}~`) {
      throw new Error(`Sends a wrong event: ${event.slice(0, 200)}`);
    }
  }
}

/** What `load/events.ts` prints at its end. */
interface EventCount extends Count {
  /** What was wrong, or an empty text. */
  readonly fault: string;
}

/** Has all clients there, and watches a server that only sends. */
export async function runEvents(
  scenario: Scenario,
  server: Server,
  ticksPerSecond: number,
): Promise<Sample> {
  const before = memoryKib(server.pid, "VmRSS");
  const total = scenario.connections;
  const held = await holdLoad(
    denoLoad("events.ts", server.port, scenario.path, total),
    60,
  );
  let cpu = 0;
  let after = 0;
  let text = "";
  try {
    await sleep(EVENTS_WARM_UP);
    cpu = cpuMicros(server.pid, ticksPerSecond);
    await held.tell("count");
    await sleep(EVENTS_WINDOW);
    cpu = cpuMicros(server.pid, ticksPerSecond) - cpu;
    after = memoryKib(server.pid, "VmRSS");
  } finally {
    text = await held.release();
  }
  if (text === "") throw new Error("The load failed");
  const events: EventCount = JSON.parse(text);
  if (events.fault !== "") throw new Error(events.fault);
  return {
    ...sampleOf(events, cpu),
    rss: after / 1024,
    kib: (after - before) / total,
  };
}

// ---- WebSockets -------------------------------------------------------------

/** Has text and bytes sent back, by a client that is none of ours. */
export async function verifyWebsocket(
  scenario: Scenario,
  server: Server,
): Promise<void> {
  const ws = new WebSocket(address("ws", scenario, server));
  ws.binaryType = "arraybuffer";
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      ws.onmessage = ({ data }) => resolve(data);
      ws.onerror = ws.onclose = () => reject(new Error("Closes a WebSocket"));
    });
  const timer = setTimeout(() => ws.close(), VERIFY_TIMEOUT);
  try {
    await new Promise((resolve, reject) => {
      ws.onopen = resolve;
      ws.onerror = () => reject(new Error("Accepts no WebSocket"));
    });
    if (ws.extensions !== "") throw new Error("Compresses, as nobody else");
    const text = "Příliš žluťoučký kůň";
    ws.send(text);
    if (await next() !== text) throw new Error("Sends another text back");
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    ws.send(bytes);
    const data = await next();
    if (
      !(data instanceof ArrayBuffer) || data.byteLength !== bytes.length ||
      !new Uint8Array(data).every((byte, i) => byte === bytes[i])
    ) throw new Error("Sends other bytes back");
  } finally {
    clearTimeout(timer);
    const closed = new Promise((resolve) => {
      ws.onerror = ws.onclose = resolve;
    });
    if (ws.readyState !== WebSocket.CLOSED) {
      ws.close();
      await closed;
    }
  }
}

/** Sends messages that are sent back. */
export function runWebsocket(
  { name, path, connections, size, depth }: Scenario,
  server: Server,
  seconds: number,
  ticksPerSecond: number,
): Promise<Sample> {
  const kind = name === "ws-small" ? "text" : "binary";
  const args = [path, connections, seconds, kind, size, depth];
  return count(server, ticksPerSecond, seconds, "websocket.ts", ...args);
}
