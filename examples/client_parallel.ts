// deno run --allow-net examples/client_parallel.ts
//
// Many servers at once, and the answers in the order in which they come. Give
// as many addresses as you like:
//
//   deno run --allow-net examples/client_parallel.ts URL URL URL
import { HttpClient, select } from "@uhttp/uhttp";

const urls = Deno.args.length > 0 ? Deno.args : [
  "http://localhost:9980/",
  "https://deno.com/",
  "https://jsr.io/",
];

// All requests are under way when this is through; nobody waits for them yet.
const clients = urls.map((url) => {
  const client = new HttpClient(url, { timeout: 5000, connectTimeout: 5000 });
  client.get().context = url; // ours: whatever we want to know later
  return client;
});

let failed = 0;
for (let left = clients.length; left > 0;) {
  // Waits until one of them has something. A server could stand here as well.
  for (const client of await select(clients)) {
    // Requests whose promise nobody has asked for come this way, each once.
    const request = client.processEvents();
    if (request === null) continue;
    left--;
    const { response, error, context } = request;
    if (response !== null) {
      const { timing, data } = response;
      const ms = timing.total.toFixed(0);
      console.log(`${context}: ${response.status}, ${data.length} B, ${ms} ms`);
    } else {
      failed++;
      console.log(`${context}: ${error!.name}`);
    }
    client.close();
  }
}
console.log(`${clients.length - failed} of ${clients.length} have answered`);
