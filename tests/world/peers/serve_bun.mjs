// Tells of each request how it was understood: bun serve_bun.mjs
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const bytes = Buffer.from(await request.arrayBuffer());
    const x = request.headers.get("x") ?? "";
    const url = request.url.replace(/^http:\/\/[^/?]*/, "");
    const body = bytes.toString("latin1");
    return Response.json({ method: request.method, url, x, body });
  },
});
console.log(server.port);
process.stdin.on("end", () => process.exit()).resume();
