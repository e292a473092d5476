// deno run --allow-net examples/client_basic.ts
//
// The client: ask, and use what comes. It talks to hello.ts, which has to run
// in another terminal, or to the address that is given as an argument:
//
//   deno run --allow-net examples/hello.ts
import { ClientError, HttpClient } from "@uhttp/uhttp";

const [url = "http://localhost:9980/"] = Deno.args;

// One client for one server: it keeps its connections, and its cookies.
await using client = new HttpClient(url, {
  headers: { "X-From": "client_basic" }, // with every request
  timeout: 5000,
});

try {
  // Whatever the status, a response is a response.
  const page = await client.get("/");
  console.log(page.status, page.contentType, await page.text());

  const rpc = await client.get("/rpc", { query: { x: [1, 2], flag: null } });
  const { message, query, headers } = await rpc.json();
  console.log(message, query, headers["x-from"]);

  // Objects go as JSON; `form` sends a form, `data` anything else.
  const answer = await client.post("/nothing", { json: { name: "nut" } });
  if (!answer.ok) console.log(answer.status, await answer.text());

  // A request is under way at once. You may wait for a while, and go on.
  const request = client.get("/");
  const response = await request.wait(1000);
  console.log(response === null ? "Not yet" : `${response.timing.total} ms`);
} catch (error) {
  // No response: each kind of fault has a class of its own.
  if (!(error instanceof ClientError)) throw error;
  console.error(`${error.name}: ${error.message}`);
  Deno.exitCode = 1;
}
