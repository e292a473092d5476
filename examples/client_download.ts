// deno run --allow-net --allow-write examples/client_download.ts
//
// A large file to the disk, in bounded memory, with a progress bar:
//
//   deno run --allow-net --allow-write examples/client_download.ts URL FILE
import { ClientError, HttpClient } from "@uhttp/uhttp";

const [url = "http://localhost:9980/style.css", path = "download.tmp"] =
  Deno.args;

/** Draws over the line before, on a terminal; elsewhere it says nothing. */
function draw(done: number, total: number | null, ms: number): void {
  if (!Deno.stderr.isTerminal()) return;
  const rate = `${(done / 1024 / 1024 / (ms / 1000)).toFixed(1)} MiB/s`;
  let text = `${done} bytes, ${rate}`;
  if (total !== null && total > 0) {
    const part = Math.floor(done / total * 40);
    const left = Math.ceil((total - done) / done * ms / 1000);
    text = `[${"#".repeat(part).padEnd(40)}] ${rate}, ${left} s left`;
  }
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

await using client = new HttpClient(url, { maxRedirects: 5 });
try {
  using response = await client.get("", { stream: true });
  if (!response.ok) throw new Error(`Status ${response.status}`);

  const begun = performance.now();
  const progress = setInterval(() => {
    const { bytesReceived, contentLength } = response;
    draw(bytesReceived, contentLength, performance.now() - begun);
  }, 100);
  try {
    // The file is removed again if the rest does not come.
    const length = await response.saveTo(path);
    console.log(`\n${length} bytes in ${path}`);
  } finally {
    clearInterval(progress);
  }
} catch (error) {
  const { name, message } = error as Error;
  console.error(error instanceof ClientError ? `${name}: ${message}` : message);
  Deno.exitCode = 1;
}
