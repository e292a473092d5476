// What every client does, in Deno and in Node alike: runs a load each time a
// line comes in, and prints what it took.
import process from "node:process";

const BYTES = 200 * 1024 * 1024;
const piece = new Uint8Array(65536);
const WARM_UP = 2000;

/** The pieces of an upload. */
export function* pieces() {
  for (let sent = 0; sent < BYTES; sent += piece.length) yield piece;
}

/** Checks that a body is what the server sends. */
export function check(text) {
  if (text !== "hello world") throw new Error("Wrong body");
}

/** Checks a count of bytes. */
export function checkLength(length) {
  if (Number(length) !== BYTES) throw new Error(`${length} bytes`);
}

/**
 * @param mode Which load.
 * @param requests How many requests make a round.
 * @param actions `get`, `download` and `upload`, each one request.
 */
export function serveLoad(mode, requests, { get, download, upload }) {
  const repeat = async (count, lanes) => {
    let left = count;
    const lane = async () => {
      while (left-- > 0) await get();
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  };
  const loads = {
    sequential: () => repeat(requests, 1),
    concurrent: () => repeat(requests, 50),
    pipelined: () => repeat(requests, 50),
    download,
    upload,
  };
  const isBulk = mode === "download" || mode === "upload";
  let isWarm = isBulk;
  process.stdin.on("data", async () => {
    if (!isWarm) await repeat(WARM_UP, 10);
    isWarm = true;
    const cpu = process.cpuUsage();
    const begun = performance.now();
    await loads[mode]();
    const micros = (performance.now() - begun) * 1000;
    const { user, system } = process.cpuUsage(cpu);
    const count = isBulk ? BYTES / 1024 / 1024 : requests;
    console.log(JSON.stringify({ count, micros, cpu: user + system }));
  });
  process.stdin.on("end", () => process.exit());
  console.log("ready");
}
