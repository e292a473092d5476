// Bun's native server on one road. Arguments: PORT ROAD DIR plain.
import process from "node:process";
import { Bun, type BunServer } from "../../peers/bun.ts";
import { parseRoad } from "../payloads.ts";
import { webHandler } from "./web.ts";

const [port, text, dir] = process.argv.slice(2);
const road = parseRoad(text);

type BunHandler = (
  request: Request,
  server: BunServer,
) => Response | undefined | Promise<Response>;

function handlerOf(): BunHandler {
  switch (road.name) {
    case "file":
      return () => new Response(Bun.file(`${dir}/${road.size}.bin`));
    case "ws":
      return (request, server) =>
        server.upgrade(request)
          ? undefined
          : new Response(null, { status: 400 });
    default: {
      const handler = webHandler(road);
      if (handler === null) throw new TypeError(`No road ${road.name}`);
      return handler;
    }
  }
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  websocket: {
    message(ws, message) {
      for (let i = 0; i < road.count; i++) ws.send(message);
    },
  },
  fetch: handlerOf(),
});
console.log(`pid ${process.pid}`);
