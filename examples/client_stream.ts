// deno run --allow-net examples/client_stream.ts
//
// Responses that arrive bit by bit: server-sent events and lines of JSON. It
// talks to sse.ts or ndjson.ts, which has to run in another terminal:
//
//   deno run --allow-net --allow-read=examples/pages examples/sse.ts
//   deno run --allow-net examples/client_stream.ts http://localhost:9980/events
//
//   deno run --allow-net examples/ndjson.ts
//   deno run --allow-net examples/client_stream.ts http://localhost:9980/numbers
import { ClientError, HttpClient } from "@uhttp/uhttp";

const [url = "http://localhost:9980/events", most = "Infinity"] = Deno.args;

await using client = new HttpClient(new URL("/", url));
let count = 0;

try {
  // With `stream`, the response is here when its head is. It holds its
  // connection until it is read to the end or closed; `using` sees to that.
  using response = await client.get(url, {
    stream: true,
    headers: { accept: "text/event-stream, application/x-ndjson" },
    timeout: 60_000, // the longest silence
  });
  console.log(response.status, response.contentType);

  switch (response.contentType) {
    case "text/event-stream":
      // When the stream ends or breaks off, `reconnect` asks again for what
      // comes behind the last id.
      for await (const event of response.events({ reconnect: true })) {
        console.log(`${event.type} ${event.id}: ${event.data}`);
        if (++count >= Number(most)) break; // leaving closes the response
      }
      break;
    case "application/x-ndjson":
      for await (const value of response.ndjson()) {
        console.log(value);
        if (++count >= Number(most)) break;
      }
      break;
    default:
      for await (const line of response.lines()) console.log(line);
  }
  console.log(`${count} came, ${response.bytesReceived} bytes`);
} catch (error) {
  if (!(error instanceof ClientError)) throw error;
  console.error(`${error.name}: ${error.message}`);
  Deno.exitCode = 1;
}
