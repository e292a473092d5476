// WebSockets on Node, by the package `ws`. Arguments: PORT MODE DIR.
import { createRequire } from "node:module";
import process from "node:process";

const [port, , dir] = process.argv.slice(2);
const { WebSocketServer } = createRequire(`${dir}/`)("ws");

const server = new WebSocketServer(
  { host: "127.0.0.1", port: Number(port) },
  () => console.log(`pid ${process.pid}`),
);
server.on("connection", (ws) => {
  ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary }));
  ws.on("error", () => {});
});
