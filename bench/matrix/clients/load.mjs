// What every client does, in Deno and in Node alike: for each line that comes,
// a number of seconds, it makes one request after the other for as long, and
// prints what that took. Times are in us.
import process from "node:process";

/** Checks a length, and so that there was an answer of the right kind. */
export function checkLength(actual, expected) {
  if (actual !== expected) throw new Error(`${actual} and not ${expected}`);
}

/**
 * @param {() => Promise<void>} act One request, with its answer checked.
 */
export function serveLines(act) {
  process.stdin.on("data", async (line) => {
    const seconds = Number(String(line));
    const times = [];
    const cpu = process.cpuUsage();
    const start = performance.now();
    const until = start + seconds * 1000;
    for (let now = start; now < until;) {
      await act();
      const then = now;
      now = performance.now();
      times.push(now - then);
    }
    const micros = (performance.now() - start) * 1000;
    const { user, system } = process.cpuUsage(cpu);
    times.sort((a, b) => a - b);
    const at = (share) =>
      Math.round(times[Math.floor(share * (times.length - 1))] * 1000);
    console.log(JSON.stringify({
      count: times.length,
      micros,
      cpu: user + system,
      p50: at(0.5),
      p99: at(0.99),
    }));
  });
  process.stdin.on("end", () => process.exit());
  console.log("ready");
}
