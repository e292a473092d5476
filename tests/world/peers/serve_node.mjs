// Tells of each request how it was understood: node serve_node.mjs
import { createServer } from "node:http";

const server = createServer(async (request, response) => {
  let body = "";
  try {
    for await (const piece of request) body += piece.toString("latin1");
  } catch {
    return; // it broke off
  }
  const { method, url, headers } = request;
  const told = JSON.stringify({ method, url, x: headers.x ?? "", body });
  response.writeHead(200, { "content-length": Buffer.byteLength(told) });
  response.end(told);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
