// The library's client on one road. Arguments: PORT ROAD SIZE DIR.
import { HttpClient } from "../../../mod.ts";
import { makeBytes, makeItems } from "../payloads.ts";
import { checkLength, serveLines } from "./load.mjs";

const [port, road, text] = Deno.args;
const size = Number(text);
const path = `/${road}/${size}`;
const client = new HttpClient(`http://127.0.0.1:${port}`, {
  maxResponseLength: 32 * 1024 * 1024,
});
const items = road === "json" ? makeItems(size).length : 0;
const bytes = road === "upload" ? makeBytes(size) : new Uint8Array();

const actions: Record<string, () => Promise<void>> = {
  async bytes() {
    const response = await client.get(path);
    checkLength(response.data!.length, size);
  },
  async text() {
    const response = await client.get(path);
    checkLength((await response.text()).length, size);
  },
  async json() {
    const response = await client.get(path);
    checkLength((await response.json() as unknown[]).length, items);
  },
  async upload() {
    const response = await client.post(path, { data: bytes });
    checkLength(Number(await response.text()), size);
  },
};

serveLines(actions[road]);
