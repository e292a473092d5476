// The handlers from `Request` to `Response`, for all servers that take such:
// each as a user would write it who wants it to be fast.
import {
  makeBytes,
  makeItems,
  makeOwnHeaders,
  makeText,
  type Road,
} from "../payloads.ts";

/** What `Deno.serve`, `Bun.serve` and this library's `serve()` take. */
export type Handler = (request: Request) => Response | Promise<Response>;

const HTML = { headers: { "content-type": "text/html; charset=utf-8" } };
const BYTES = { headers: { "content-type": "application/octet-stream" } };
const EVENTS = {
  headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
};
const BOUNDARY = "a-boundary-of-frames";
const FRAMES = {
  headers: {
    "content-type": `multipart/x-mixed-replace; boundary=${BOUNDARY}`,
  },
};

const encoder = new TextEncoder();

/** A stream that is asked for each of so many pieces, and maybe for an end. */
function streamOf(
  count: number,
  make: () => Uint8Array,
  end?: Uint8Array,
): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(make());
      if (++sent < count) return;
      if (end !== undefined) controller.enqueue(end);
      controller.close();
    },
  });
}

/** One frame of a multipart stream, in one piece. */
function frameOf(data: Uint8Array): Uint8Array {
  const head = encoder.encode(
    `--${BOUNDARY}\r\nContent-Type: image/jpeg\r\n` +
      `Content-Length: ${data.length}\r\n\r\n`,
  );
  const frame = new Uint8Array(head.length + data.length + 2);
  frame.set(head);
  frame.set(data, head.length);
  frame.set([13, 10], head.length + data.length);
  return frame;
}

function countHeaders(request: Request): Response {
  let length = 0;
  for (const [, value] of request.headers) length += value.length;
  return new Response(String(length));
}

function parseCookies(text: string): Record<string, string> {
  const cookies: Record<string, string> = {};
  for (const pair of text.split(";")) {
    const at = pair.indexOf("=");
    if (at > 0) cookies[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
  }
  return cookies;
}

function countCookies(request: Request): Response {
  const cookies = parseCookies(request.headers.get("cookie") ?? "");
  let length = 0;
  for (const value of Object.values(cookies)) length += value.length;
  return new Response(String(length));
}

function countQuery(request: Request): Response {
  let length = 0;
  for (const [, value] of new URL(request.url).searchParams) {
    length += value.length;
  }
  return new Response(String(length));
}

/** The handler of a road; `null` where the web platform alone has none. */
export function webHandler({ name, size, count }: Road): Handler | null {
  switch (name) {
    case "hello":
      return () => new Response("hello world", HTML);
    case "own": {
      const init = { headers: makeOwnHeaders(size) };
      return () => new Response("hello world", init);
    }
    case "text": {
      const text = makeText(size);
      return () => new Response(text, HTML);
    }
    case "bytes": {
      const bytes = makeBytes(size);
      return () => new Response(bytes, BYTES);
    }
    case "json": {
      const items = makeItems(size);
      return () => Response.json(items);
    }
    case "stream": {
      const piece = makeBytes(size);
      return () => new Response(streamOf(count, () => piece), BYTES);
    }
    case "events": {
      const data = makeText(size).replaceAll("\n", " ");
      let id = 0;
      const make = () => encoder.encode(`id: ${++id}\ndata: ${data}\n\n`);
      return () => new Response(streamOf(count, make), EVENTS);
    }
    case "multipart": {
      const data = makeBytes(size);
      const end = encoder.encode(`--${BOUNDARY}--\r\n`);
      const make = () => frameOf(data);
      return () => new Response(streamOf(count, make, end), FRAMES);
    }
    case "post":
      return async (request) => {
        const items = await request.json();
        return new Response(String(items.length));
      };
    case "upload":
      return async (request) => {
        const { byteLength } = await request.arrayBuffer();
        return new Response(String(byteLength));
      };
    case "headers":
      return countHeaders;
    case "cookies":
      return countCookies;
    case "query":
      return countQuery;
    default:
      return null;
  }
}
