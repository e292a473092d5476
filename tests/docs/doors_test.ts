import { assert, assertEquals } from "@std/assert";
import * as client from "@uhttp/uhttp/client";
import * as all from "@uhttp/uhttp";
import * as parse from "@uhttp/uhttp/parse";
import * as server from "@uhttp/uhttp/server";
import * as websocket from "@uhttp/uhttp/websocket";

const own = Object.entries(all);

Deno.test("mod.ts has what applications need, as the doors have it", () => {
  const doors = Object.entries({
    ...parse,
    ...websocket,
    ...client,
    ...server,
  });
  for (const [name, value] of own) {
    assert(doors.some(([other, its]) => name === other && value === its), name);
  }
  const text = Deno.readTextFileSync(new URL("../../mod.ts", import.meta.url));
  assert(!text.includes("export *"));
  const [, ...exported] = text.split(/^export \{/m);
  const names = exported.flatMap((list) => list.split("}")[0].split(","))
    .map((name) => name.trim()).filter((name) => name !== "");
  assert(names.length < 80, `${names.length} names`);
});

Deno.test("mod.ts leaves parsers, frames and handshakes to their doors", () => {
  const parts = [
    ...Object.keys(parse),
    ...Object.keys(websocket),
  ].filter((name) => !/Error$|^Websocket$/.test(name));
  assertEquals(parts.filter((name) => name in all), []);
});
