import { createRequire } from "node:module";
import process from "node:process";
import { check, checkLength, pieces, serveLoad } from "./load.mjs";

// The package lies where the bench has put it.
const [dir, port, mode, requests] = process.argv.slice(2);
const { Agent, request } = createRequire(`${dir}/`)("undici");
const url = `http://127.0.0.1:${port}`;
const dispatcher = new Agent(
  mode === "pipelined"
    ? { connections: 1, pipelining: 16 }
    : { connections: 10 },
);

serveLoad(mode, Number(requests), {
  async get() {
    const { body } = await request(`${url}/`, { dispatcher });
    check(await body.text());
  },
  async download() {
    const { body } = await request(`${url}/download`, { dispatcher });
    let length = 0;
    for await (const piece of body) length += piece.length;
    checkLength(length);
  },
  async upload() {
    const { body } = await request(`${url}/upload`, {
      dispatcher,
      method: "POST",
      body: (async function* () {
        yield* pieces();
      })(),
    });
    checkLength(await body.text());
  },
});
