// Deno's native server on one road. Arguments: PORT ROAD DIR plain|tls.
import { parseRoad, type Road } from "../payloads.ts";
import { webHandler } from "./web.ts";

const [port, text, dir, scheme] = Deno.args;

async function handlerOf(road: Road): Promise<Deno.ServeHandler> {
  switch (road.name) {
    case "file":
      return async () => {
        const file = await Deno.open(`${dir}/${road.size}.bin`);
        const { size } = await file.stat();
        return new Response(file.readable, {
          headers: {
            "content-type": "application/octet-stream",
            "content-length": String(size),
          },
        });
      };
    case "ws":
      return (request) => {
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.binaryType = "arraybuffer";
        socket.onmessage = ({ data }) => {
          for (let i = 0; i < road.count; i++) socket.send(data);
        };
        return response;
      };
    case "hono":
      return (await import("./hono.ts")).honoHandler;
    default: {
      const handler = webHandler(road);
      if (handler === null) throw new TypeError(`No road ${road.name}`);
      return handler;
    }
  }
}

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  ...(scheme === "tls"
    ? {
      cert: Deno.readTextFileSync(`${dir}/cert.pem`),
      key: Deno.readTextFileSync(`${dir}/key.pem`),
    }
    : {}),
  onListen: () => console.log(`pid ${Deno.pid}`),
  // The load goes in the middle of a request, which is not worth a line.
  onError: () => new Response(null, { status: 500 }),
}, await handlerOf(parseRoad(text)));
