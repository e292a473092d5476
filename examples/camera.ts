// deno run --allow-net --allow-read=examples/pages --allow-run=ffmpeg examples/camera.ts
//
// One camera, many viewers. mjpeg.ts draws a picture for each of them; here all
// see the same ones, each as many as its connection can take: who is slow skips
// some, and holds up nobody.
//
// The pictures come from ffmpeg, which knows most cameras. Without arguments it
// makes up a test picture; what follows the port is its input:
//
//   examples/camera.ts 9980 -f v4l2 -framerate 15 -i /dev/video0
//   examples/camera.ts 9980 -rtsp_transport tcp -i rtsp://10.0.0.5/live
//
// Where there is no ffmpeg, or with `drawn` in place of the input, a simple
// picture is drawn. /stream is for an <img>, /snapshot is a single picture, and
// /state tells whether the camera is on.
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
import { type Color, encodeJpeg } from "./support/jpeg.ts";

type Image = Uint8Array<ArrayBuffer>;

const TEST_PICTURE = "-re -f lavfi -i testsrc2=size=640x480:rate=15".split(" ");
const JPEG = { headers: { "content-type": "image/jpeg" } };

const [port = "9980", ...given] = Deno.args;
const input = given.length === 0 ? TEST_PICTURE : given;

const server = new HttpServer({ port: Number(port) });
console.log(`Listening on ${server.url}`);

// ---- The camera -----------------------------------------------------------

/** Pictures as ffmpeg makes them. */
async function* film(signal: AbortSignal): AsyncGenerator<Image> {
  // Motion JPEG is nothing but one JPEG image after the other.
  const ffmpeg = new Deno.Command("ffmpeg", {
    args: ["-loglevel", "error", ...input, "-f", "mjpeg", "-q:v", "5", "-"],
    stdin: "null",
    stdout: "piped",
    signal, // ends it
  }).spawn();
  let rest: Image = new Uint8Array(0);
  for await (const piece of ffmpeg.stdout) {
    let bytes = new Uint8Array(rest.length + piece.length);
    bytes.set(rest);
    bytes.set(piece, rest.length);
    // FF D9 ends an image, and occurs nowhere else in one: in its data, an FF
    // is followed by a 0.
    let from = Math.max(0, rest.length - 1);
    for (let at; (at = bytes.indexOf(0xff, from)) >= 0;) {
      from = at + 1;
      if (bytes[from] !== 0xd9) continue;
      yield bytes.slice(0, from + 1);
      bytes = bytes.subarray(from + 1);
      from = 0;
    }
    rest = bytes;
  }
  await ffmpeg.status;
}

/** A light that goes round, ten pictures a second. */
async function* drawn(signal: AbortSignal): AsyncGenerator<Image> {
  for (let phase = 0; !signal.aborted; phase += 0.1) {
    const x = 20 + 12 * Math.cos(phase);
    const y = 15 + 12 * Math.sin(phase);
    yield encodeJpeg(40, 30, (column, row): Color => {
      const light = Math.max(0, 1 - Math.hypot(column - x, row - y) / 6);
      return [30 + 220 * light, 40 + 170 * light, 70 + 60 * light];
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function* pictures(signal: AbortSignal): AsyncGenerator<Image> {
  if (input[0] !== "drawn") {
    try {
      yield* film(signal);
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.error("No ffmpeg here: the picture is drawn");
    }
  }
  yield* drawn(signal);
}

/** Turns the camera off; null while it is. */
let camera: AbortController | null = null;

/** It runs while somebody watches. */
async function runCamera(): Promise<void> {
  const own = camera = new AbortController();
  console.log("Camera on");
  try {
    for await (const image of pictures(own.signal)) {
      // What ffmpeg still has to say is taken, or it complains at its end.
      if (!own.signal.aborted) show(image);
    }
  } catch (error) {
    console.error("Camera failed:", error);
  }
  console.log("Camera off");
  if (camera === own) endAll(); // nobody has turned it off: it broke
}

// ---- Those who watch ------------------------------------------------------

interface Viewer {
  client: HttpConnection;
  isBusy: boolean;
  /** How many pictures it was sent, and how many there had been before. */
  seen: number;
  before: number;
}

const viewers = new Set<Viewer>();
/** Those who want a single picture. */
const waiting = new Set<HttpConnection>();
let count = 0;

/** Shows a picture to all who are ready for it. */
function show(image: Image): void {
  count++;
  for (const client of waiting) client.respond(image, JPEG);
  waiting.clear();
  for (const viewer of viewers) {
    if (!viewer.isBusy) send(viewer, image);
  }
  turnOffIfAlone();
}

async function send(viewer: Viewer, image: Image): Promise<void> {
  viewer.seen++;
  viewer.isBusy = true;
  // This resolves when there is room for the next one. Those that the camera
  // makes in the meantime, this viewer does not see.
  const isThere = await viewer.client.responseMultipartFrame(image, JPEG);
  viewer.isBusy = !isThere;
}

async function stream(client: HttpConnection): Promise<void> {
  if (!await client.responseMultipart()) return; // gone, or a HEAD request
  const viewer = { client, isBusy: false, seen: 0, before: count };
  viewers.add(viewer);
  client.signal.addEventListener("abort", () => {
    client.close();
    if (!viewers.delete(viewer)) return;
    const { socketAddress } = client;
    const made = count - viewer.before;
    console.log(`${socketAddress} has seen ${viewer.seen} of ${made} pictures`);
    turnOffIfAlone();
  });
  if (camera === null) runCamera();
}

function snapshot(client: HttpConnection): void {
  waiting.add(client);
  client.signal.addEventListener("abort", () => {
    client.close();
    waiting.delete(client);
    turnOffIfAlone();
  });
  if (camera === null) runCamera();
}

function turnOffIfAlone(): void {
  if (viewers.size > 0 || waiting.size > 0) return;
  camera?.abort();
  camera = null;
}

/** There will be no more pictures. */
function endAll(): void {
  for (const { client } of viewers) client.responseMultipartEnd();
  for (const client of waiting) client.respond("No picture", { status: 503 });
  viewers.clear();
  waiting.clear();
  turnOffIfAlone();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    endAll();
    server.shutdown({ timeout: 5000 });
  });
}

for await (const client of server) {
  if (client.path === "/") {
    client.respondFile(`${import.meta.dirname}/pages/camera.html`);
  } else if (client.path === "/stream") {
    stream(client); // without `await`: the loop goes on
  } else if (client.path === "/snapshot") {
    snapshot(client);
  } else if (client.path === "/state") {
    client.respond({ isOn: camera !== null, viewers: viewers.size });
  } else {
    client.respond("Not found", { status: 404 });
  }
}
