// The application of the rows with Hono, on whichever server.
import { Hono } from "npm:hono@^4";
import type { Handler } from "./web.ts";

const app = new Hono();
app.get("/hono/:size/:count", (c) => c.html("hello world"));

/** It as a handler. */
export const honoHandler: Handler = (request) => app.fetch(request);
