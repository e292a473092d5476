// deno run --allow-net examples/hono.ts
//
// An application made with Hono, a framework, on this server. What it gives to
// the server is a function from `Request` to `Response`, as with many others;
// `serve()` takes any of them. It runs unchanged on Deno's own server:
//
//   Deno.serve({ port: 9980 }, app.fetch);
//
// Here it gets this one's limits and strictness.
//
//   curl -i http://localhost:9980/notes
//   curl -i --json '{ "text": "hello" }' http://localhost:9980/notes
import { Hono } from "npm:hono@^4";
import { cors } from "npm:hono@^4/cors";
import { etag } from "npm:hono@^4/etag";
import { HTTPException } from "npm:hono@^4/http-exception";
import { logger } from "npm:hono@^4/logger";
import { validator } from "npm:hono@^4/validator";
import { serve } from "@uhttp/uhttp";

const notes = new Map<number, string>();
let lastId = 0;

/** What the server passes on with a request; Hono calls it its environment. */
interface Environment {
  Bindings: { remoteAddr: Deno.Addr };
}

/** The application. It knows nothing of the server that it runs on. */
export const app = new Hono<Environment>();

app.use(logger());
app.use(cors()); // scripts of all sites may ask
app.use(etag()); // who has it already gets 304, and no body
app.use(async (c, next) => {
  const start = performance.now();
  await next();
  const time = (performance.now() - start).toFixed(1);
  c.header("server-timing", `app;dur=${time}`);
});

app.get("/", (c) => c.html("<h1>Notes</h1><a href='/notes'>All of them</a>"));

app.get("/whoami", (c) => c.json(c.env.remoteAddr));

app.get(
  "/notes",
  (c) => c.json([...notes].map(([id, text]) => ({ id, text }))),
);

app.get("/notes/:id{[0-9]+}", (c) => {
  const id = Number(c.req.param("id"));
  const text = notes.get(id);
  return text === undefined ? c.notFound() : c.json({ id, text });
});

app.post(
  "/notes",
  // What it returns is what the handler gets, with its type. A body that is no
  // JSON does not come so far: that is a 400 as well.
  validator("json", (value: { text?: unknown } | null, c) => {
    const text = value?.text;
    if (typeof text !== "string" || text === "" || text.length > 500) {
      return c.json({ problem: "Text is missing or too long" }, 400);
    }
    return { text };
  }),
  (c) => {
    const { text } = c.req.valid("json");
    notes.set(++lastId, text);
    notes.delete(lastId - 100);
    return c.json({ id: lastId, text }, 201);
  },
);

app.notFound((c) => c.json({ problem: "Not found" }, 404));

app.onError((error, c) => {
  if (error instanceof HTTPException) {
    return c.json({ problem: error.message }, error.status);
  }
  console.error(error);
  return c.json({ problem: "Internal error" }, 500);
});

if (import.meta.main) {
  const server = serve(app.fetch, { port: Number(Deno.args[0] ?? 9980) });
  console.log(`Listening on ${server.url}`);

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => server.shutdown({ timeout: 5000 }));
  }
}
