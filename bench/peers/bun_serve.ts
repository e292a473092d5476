// Bun's native server. Arguments: PORT MODE DIR.
import { readFileSync } from "node:fs";
import process from "node:process";

/** As much of Bun's global as is used here. */
declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout?: number;
    tls?: { cert: string; key: string };
    fetch(request: Request): Response | Promise<Response>;
  }): void;
  file(path: string): Blob;
};

const [port, mode, dir] = process.argv.slice(2);

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

function file(): Response {
  return new Response(Bun.file(`${dir}/big.bin`));
}

const handlers: Record<
  string,
  (request: Request) => Response | Promise<Response>
> = { json, post, file };

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  ...(mode === "tls"
    ? {
      tls: {
        cert: readFileSync(`${dir}/cert.pem`, "utf8"),
        key: readFileSync(`${dir}/key.pem`, "utf8"),
      },
    }
    : {}),
  // The longest that Bun allows, so that no idle connection is dropped.
  ...(mode === "idle" ? { idleTimeout: 255 } : {}),
  fetch: handlers[mode] ?? hello,
});
console.log(`pid ${process.pid}`);
