// deno run --allow-net examples/forms.ts
//
// A guest book: everybody reads, who has logged in may write. It shows a form,
// a POST of JSON, and a login with a cookie. The password is "guest", or what
// the second argument says.
//
//   curl -i -d name=me -d password=guest http://localhost:9980/login
//   curl -b session=<from above> --json '{ "text": "hello" }' \
//     http://localhost:9980/messages
import { type HttpConnection, HttpServer } from "@uhttp/uhttp";
import { createHash, timingSafeEqual } from "node:crypto";

const [port = "9980", password = "guest"] = Deno.args;

const SESSION_TIME = 3600; // seconds
const MAX_SESSIONS = 1000;
const MAX_MESSAGES = 20;

interface Session {
  name: string;
  ends: number;
}

interface Message {
  name: string;
  text: string;
}

const sessions = new Map<string, Session>();
const messages: Message[] = [];

const server = new HttpServer({
  port: Number(port),
  maxContentLength: 10_000, // more than that is not a greeting
});
console.log(`Listening on ${server.url}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown({ timeout: 5000 }));
}

/** What was sent under a name, in a form or in JSON, if it is a string. */
function field(client: HttpConnection, name: string): string {
  const value: unknown = client.data?.[name];
  return typeof value === "string" ? value.slice(0, 500) : "";
}

/** Compares in a time that tells nothing about how much of it is right. */
function isPassword(text: string): boolean {
  const hash = (value: string) => createHash("sha256").update(value).digest();
  return timingSafeEqual(hash(text), hash(password));
}

/** The name that a client has logged in with, or null. */
function userOf(client: HttpConnection): string | null {
  const session = sessions.get(client.cookies.session ?? "");
  return session === undefined || session.ends < Date.now()
    ? null
    : session.name;
}

// Each POST is answered with a redirect, 303, to the page that shows what came
// of it: then nothing is sent twice when somebody reloads that page.

function logIn(client: HttpConnection): void {
  const name = field(client, "name").trim();
  if (name === "" || !isPassword(field(client, "password"))) {
    sendPage(client, "That was not right.", 403);
    return;
  }
  if (sessions.size >= MAX_SESSIONS) {
    sessions.delete(sessions.keys().next().value!); // the oldest one
  }
  const id = crypto.randomUUID();
  sessions.set(id, { name, ends: Date.now() + SESSION_TIME * 1000 });
  client.respondRedirect("/", {
    status: 303,
    cookies: {
      session: {
        value: id,
        path: "/",
        maxAge: SESSION_TIME,
        httpOnly: true, // no script can read it
        sameSite: "Lax", // and no other site can post with it
        secure: client.isSecure,
      },
    },
  });
}

function logOut(client: HttpConnection): void {
  sessions.delete(client.cookies.session ?? "");
  client.respondRedirect("/", {
    status: 303,
    cookies: { session: { value: "", path: "/", maxAge: 0 } },
  });
}

function write(client: HttpConnection): void {
  const isJson = client.contentType === "application/json";
  const name = userOf(client);
  const text = field(client, "text").trim();
  if (name === null || text === "") {
    const status = name === null ? 403 : 400;
    const problem = name === null ? "Log in first." : "Write something.";
    if (isJson) client.respond({ problem }, { status });
    else sendPage(client, problem, status);
    return;
  }
  messages.unshift({ name, text });
  messages.length = Math.min(messages.length, MAX_MESSAGES);
  if (isJson) client.respond({ name, text }, { status: 201 });
  else client.respondRedirect("/", { status: 303 });
}

/** Text as HTML: nothing that a guest writes may become a tag. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

const STYLE = `
  :root { color-scheme: light dark }
  body { max-width: 30rem; margin: 3rem auto; padding: 0 1rem;
    font: 1.1rem/1.5 system-ui, sans-serif; color: light-dark(#223, #dfe6f0);
    background: light-dark(#f4f6f8, #10151d) }
  form, li { margin: 1rem 0; padding: 1rem; border-radius: .5rem;
    background: light-dark(#fff, #1a212d); box-shadow: 0 1px 4px #0002 }
  form, label { display: grid; gap: .6rem }
  form.plain { all: unset }
  input, button { padding: .4rem .6rem; font: inherit }
  ul { padding: 0; list-style: none }
  .problem { color: light-dark(#b3261e, #f0736a) }`;

const LOGIN_FORM = `
  <form method="post" action="/login">
    <label>Name <input name="name" autocomplete="username"
      required maxlength="40"></label>
    <label>Password <input name="password" type="password"
      autocomplete="current-password" required></label>
    <button>Log in</button>
  </form>`;

function writeForm(name: string): string {
  return `
  <p>You are <b>${escapeHtml(name)}</b>.</p>
  <form method="post" action="/messages">
    <input name="text" aria-label="Message" required maxlength="500" autofocus>
    <button>Write</button>
  </form>
  <form class="plain" method="post" action="/logout">
    <button>Log out</button>
  </form>`;
}

function sendPage(client: HttpConnection, problem = "", status = 200): void {
  const name = userOf(client);
  const items = messages.map(({ name, text }) =>
    `<li><b>${escapeHtml(name)}</b>: ${escapeHtml(text)}</li>`
  );
  client.respond(
    `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Guest book</title>
<style>${STYLE}</style>
<h1>Guest book</h1>
${problem === "" ? "" : `<p class="problem">${problem}</p>`}
${name === null ? LOGIN_FORM : writeForm(name)}
<ul>${items.join("")}</ul>
`,
    {
      status,
      headers: {
        "cache-control": "no-store", // it is not the same for everybody
        "content-security-policy":
          "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
      },
    },
  );
}

for await (const client of server) {
  switch (`${client.method} ${client.path}`) {
    case "GET /":
    case "HEAD /":
      sendPage(client);
      break;
    case "GET /messages":
      client.respond(messages);
      break;
    case "POST /messages":
      write(client);
      break;
    case "POST /login":
      logIn(client);
      break;
    case "POST /logout":
      logOut(client);
      break;
    default:
      client.respond("Not found", { status: 404 });
  }
}
