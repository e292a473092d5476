// undici on Node, on one road. Arguments: PORT ROAD SIZE DIR, where the package
// lies in DIR.
import { createRequire } from "node:module";
import process from "node:process";
import { checkLength, serveLines } from "./load.mjs";

const [port, road, text, dir] = process.argv.slice(2);
const { Agent, request } = createRequire(`${dir}/`)("undici");
const size = Number(text);
const url = `http://127.0.0.1:${port}/${road}/${size}`;
const dispatcher = new Agent({ connections: 10 });
const bytes = new Uint8Array(road === "upload" ? size : 0);
let items = null;

const actions = {
  async bytes() {
    const { body } = await request(url, { dispatcher });
    checkLength((await body.bytes()).length, size);
  },
  async text() {
    const { body } = await request(url, { dispatcher });
    checkLength((await body.text()).length, size);
  },
  async json() {
    const { body } = await request(url, { dispatcher });
    const { length } = await body.json();
    // What makes the records is TypeScript, which this Node may not run.
    checkLength(length, items ??= length);
  },
  async upload() {
    const { body } = await request(url, {
      dispatcher,
      method: "POST",
      body: bytes,
    });
    checkLength(Number(await body.text()), size);
  },
};

serveLines(actions[road]);
