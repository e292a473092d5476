// deno run --allow-net examples/mjpeg.ts
//
// A moving picture, the way cameras send one: JPEG images without end, each in
// the place of the one before. A browser shows it in a plain <img>; ffmpeg can
// record it:
//
//   ffmpeg -i http://localhost:9980/stream -t 5 clip.mp4
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
import { type Color, encodeJpeg } from "./support/jpeg.ts";

const FRAME_TIME = 100; // ms

const server = new HttpServer({ port: Number(Deno.args[0] ?? 9980) });
console.log(`Listening on ${server.url}`);

// Control-C and what ends a service: end all streams in good order.
let isEnding = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    isEnding = true;
    server.shutdown({ timeout: 5000 });
  });
}

/** Sends images until the peer goes away. */
async function stream(client: HttpConnection): Promise<void> {
  console.log(`${client.socketAddress} watches`);
  let isThere = await client.responseMultipart();
  while (isThere && !isEnding) {
    // The promise resolves when there is room for the next image. The picture
    // is drawn after that: a slow peer sees fewer images, not late ones.
    isThere = await client.responseMultipartFrame(drawFrame(), {
      headers: { "content-type": "image/jpeg" },
    });
    if (isThere) await sleep(FRAME_TIME);
  }
  client.responseMultipartEnd();
  console.log(`${client.socketAddress} has gone`);
}

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** The digits 0 to 9 and the colon, as five rows of three dots. */
const GLYPHS = [
  0o75557,
  0o26227,
  0o71747,
  0o71717,
  0o55711,
  0o74717,
  0o74757,
  0o71122,
  0o75757,
  0o75717,
  0o02020,
];

/** The time of day, on a background that moves. */
function drawFrame(): Uint8Array {
  const now = new Date();
  const time = now.toTimeString().slice(0, 8);
  const phase = performance.now() / 1000;

  const isInk = (column: number, row: number): boolean => {
    const x = column - 5;
    const y = row - 13;
    if (x < 0 || x >= 31 || x % 4 === 3 || y < 0 || y >= 5) return false;
    const char = time[x >> 2];
    const glyph = GLYPHS[char === ":" ? 10 : Number(char)];
    return (glyph >> (4 - y) * 3 + 2 - x % 4 & 1) === 1;
  };
  return encodeJpeg(40, 30, (column, row): Color => {
    if (isInk(column, row)) return [255, 255, 255];
    const wave = Math.sin(column / 6 + phase) + Math.sin(row / 5 - phase / 2);
    return [40 + wave * 20, 80 + wave * 30, 130 + wave * 40];
  });
}

for await (const client of server) {
  if (client.path === "/") {
    client.respond('<h1>A moving picture</h1><img src="/stream">');
  } else if (client.path === "/stream") {
    stream(client); // without `await`: others want to be served meanwhile
  } else {
    client.respond("Not found", { status: 404 });
  }
}
