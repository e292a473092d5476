// deno run --allow-net examples/ndjson.ts
//
// NDJSON: JSON values, one a line. Both sides can use each as soon as its line
// is complete, and neither needs the whole of it in memory, or even an end.
//
// /numbers makes rows and sends each when it is made:
//
//   curl -N 'http://localhost:9980/numbers?count=5'
//
// /sum reads numbers line by line as they arrive, and answers each line with
// the sum so far, while more are still on their way. Type some numbers:
//
//   curl -N -X POST -T - http://localhost:9980/sum
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";

const [port = "9980", pause = "500"] = Deno.args;

/** The longest line; without a limit, one that never ends would fill memory. */
const MAX_LINE = 1000; // characters

const server = new HttpServer({ port: Number(port), streaming: true });
console.log(`Listening on ${server.url}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown({ timeout: 1000 }));
}

async function sendNumbers(client: HttpConnection): Promise<void> {
  const count = Number(client.query.count ?? 10);
  if (!Number.isInteger(count) || count < 0) {
    client.respond({ problem: "Count is not a whole number" }, { status: 400 });
    return;
  }
  let isThere = await client.responseNdjson();
  for (let n = 1; isThere && n <= count; n++) {
    // A slow reader slows this down: the promise resolves when there is room.
    // It is false when nobody reads any more, and then there is no need to
    // make the rest.
    isThere = await client.sendNdjson({ n, square: n * n });
    await new Promise((resolve) => setTimeout(resolve, Number(pause)));
  }
  if (isThere) client.responseStreamEnd();
  else console.log(`${client.socketAddress} has gone`);
}

async function sum(client: HttpConnection): Promise<void> {
  // Nothing of the body is kept, so it may be as long as the peer likes.
  client.limit(Infinity);
  let line = 0;
  let sum = 0;
  try {
    for await (const text of lines(client.body)) {
      // Only now, as to ask for the body is what tells curl to send it: with
      // `Expect: 100-continue`, it waits until it is asked.
      if (++line === 1) client.responseNdjson();
      const value = parse(text);
      if (typeof value === "number") sum += value;
      // The status has been sent long ago. What is wrong about a line can only
      // be said in the answer itself.
      const row = typeof value === "number"
        ? { line, sum }
        : { line, problem: "Not a number" };
      // While the peer does not read the answer, we do not read the body.
      if (!await client.sendNdjson(row)) return;
    }
    if (line === 0) client.responseNdjson();
    client.responseStreamEnd();
  } catch (error) {
    console.log(`${client.socketAddress}: ${error}`);
    // The peer broke off, or what it sent is no text. Once the answer has
    // begun, all that we can do is to break it off as well, so that nobody
    // takes it for complete.
    if (client.isAnswered) client.close();
    else client.respond({ problem: "Not NDJSON" }, { status: 400 });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which JSON has not
  }
}

/** The lines of a body, each when its end has come; empty ones are left out. */
async function* lines(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = "";
  // A character may be cut in two by the network; the decoder waits for it.
  const texts = body.pipeThrough(
    new TextDecoderStream("utf-8", {
      fatal: true,
    }),
  );
  for await (const text of texts) {
    const [first, ...others] = text.split("\n");
    rest += first;
    for (const other of others) {
      if (rest.trim() !== "") yield rest;
      rest = other;
    }
    if (rest.length > MAX_LINE) throw new RangeError("Line is too long");
  }
  if (rest.trim() !== "") yield rest; // the last one may lack its line end
}

for await (const client of server) {
  switch (`${client.method} ${client.path}`) {
    case "GET /numbers":
      sendNumbers(client); // without `await`: the loop goes on
      break;
    case "POST /sum":
      sum(client);
      break;
    default:
      client.respond({ problem: "Not found" }, { status: 404 });
  }
}
