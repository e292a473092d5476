import { check, checkLength, pieces, serveLoad } from "./load.mjs";

const [port, mode, requests] = Deno.args;
const url = `http://127.0.0.1:${port}`;

serveLoad(mode, Number(requests), {
  async get() {
    const response = await fetch(`${url}/`);
    check(await response.text());
  },
  async download() {
    const response = await fetch(`${url}/download`);
    let length = 0;
    for await (const piece of response.body!) length += piece.length;
    checkLength(length);
  },
  async upload() {
    const body = ReadableStream.from(pieces());
    const response = await fetch(`${url}/upload`, { method: "POST", body });
    checkLength(await response.text());
  },
});
