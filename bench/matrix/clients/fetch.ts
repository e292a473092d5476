// Deno's own client on one road. Arguments: PORT ROAD SIZE DIR.
import { makeBytes, makeItems } from "../payloads.ts";
import { checkLength, serveLines } from "./load.mjs";

const [port, road, text] = Deno.args;
const size = Number(text);
const url = `http://127.0.0.1:${port}/${road}/${size}`;
const items = road === "json" ? makeItems(size).length : 0;
const body = road === "upload" ? makeBytes(size) : new Uint8Array();

const actions: Record<string, () => Promise<void>> = {
  async bytes() {
    const response = await fetch(url);
    checkLength((await response.bytes()).length, size);
  },
  async text() {
    const response = await fetch(url);
    checkLength((await response.text()).length, size);
  },
  async json() {
    const response = await fetch(url);
    checkLength((await response.json()).length, items);
  },
  async upload() {
    const response = await fetch(url, { method: "POST", body });
    checkLength(Number(await response.text()), size);
  },
};

serveLines(actions[road]);
