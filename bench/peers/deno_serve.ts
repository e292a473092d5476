// Deno's native server. Arguments: PORT MODE DIR.
const [port, mode, dir] = Deno.args;

const HTML = { headers: { "content-type": "text/html; charset=utf-8" } };

function hello(): Response {
  return new Response("hello world", HTML);
}

function json(request: Request): Response {
  return Response.json({
    headers: Object.fromEntries(request.headers),
    query: Object.fromEntries(new URL(request.url).searchParams),
  });
}

async function post(request: Request): Promise<Response> {
  return Response.json(await request.json());
}

async function file(): Promise<Response> {
  const file = await Deno.open(`${dir}/big.bin`);
  const { size } = await file.stat();
  return new Response(file.readable, {
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(size),
    },
  });
}

const handlers: Record<string, Deno.ServeHandler> = { json, post, file };

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  ...(mode === "tls"
    ? {
      cert: Deno.readTextFileSync(`${dir}/cert.pem`),
      key: Deno.readTextFileSync(`${dir}/key.pem`),
    }
    : {}),
  onListen: () => console.log(`pid ${Deno.pid}`),
}, handlers[mode] ?? hello);
