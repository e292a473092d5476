import { HttpClient } from "@uhttp/uhttp";
import { check, checkLength, pieces, serveLoad } from "./load.mjs";

const [port, mode, requests] = Deno.args;
const client = new HttpClient(
  `http://127.0.0.1:${port}`,
  mode === "pipelined" ? { maxConnections: 1, pipelining: 16 } : {},
);
const buffer = new Uint8Array(65536);

serveLoad(mode, Number(requests), {
  async get() {
    const response = await client.get("/");
    check(await response.text());
  },
  async download() {
    const response = await client.get("/download", { stream: true });
    while (await response.read(buffer) !== null);
    checkLength(response.bytesReceived);
  },
  async upload() {
    const response = await client.post("/upload", { data: pieces() });
    checkLength(await response.text());
  },
});
