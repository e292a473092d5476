// deno run --allow-net --allow-read=examples/pages examples/chat.ts
//
// A chat room: open http://localhost:9980/ in two windows. Messages are JSON
// over a WebSocket. Whoever comes gets the last few of them first.
//
// Three things keep one peer from spoiling it for the others: nobody waits for
// who reads slowly, who writes too fast is read from less often, and everything
// has a limit. How many ms must lie between two messages of one peer, 50, can
// be given behind the port.
import { type HttpConnection, HttpServer, type Websocket } from "@uhttp/uhttp";

const [port = "9980", pause = "50"] = Deno.args;

const MAX_MEMBERS = 200;
const MAX_NAME = 30; // characters
const MAX_TEXT = 1000; // characters
const HISTORY = 20; // messages

/** What is told to everybody. */
type News =
  | { type: "joined" | "left"; name: string; members: string[] }
  | { type: "message"; name: string; text: string };

const members = new Map<string, Websocket>();
const history: News[] = [];

const server = new HttpServer({ port: Number(port) });
console.log(`Listening on ${server.url}`);

// Control-C and what ends a service: WebSockets are closed with 1001, "going
// away", and the page tries again after a while.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.shutdown({ timeout: 5000 }));
}

/** Tells everybody. */
function tell(news: News): void {
  if (news.type === "message") {
    history.push(news);
    if (history.length > HISTORY) history.shift();
  }
  const text = JSON.stringify(news);
  // Without `await`: each member has a queue of its own. When more than
  // `maxSendBufferSize` waits in one, that member is dropped; others notice
  // nothing but that it has left.
  for (const ws of members.values()) ws.send(text);
}

function tellWho(type: "joined" | "left", name: string): void {
  console.log(`${name} ${type}`);
  tell({ type, name, members: [...members.keys()] });
}

async function join(client: HttpConnection): Promise<void> {
  const ws = client.acceptWebsocket({
    // Any page in the world can open a WebSocket to here, with the cookies
    // that a browser has for us. But it cannot lie about where it comes from.
    allowedOrigins: [`http://${client.host}`, `https://${client.host}`],
    maxMessageLength: MAX_TEXT * 4,
  });
  if (ws === null) return; // answered with what was wrong about it

  // A page cannot see the status of an answer that refuses a WebSocket, but
  // it can see with what code, from 4000 on, and for what reason one is closed.
  const { name: given } = client.query;
  const name = typeof given === "string" ? given.trim() : "";
  if (name === "" || name.length > MAX_NAME) {
    ws.close(4000, "Name is missing, or too long");
    return;
  }
  if (members.has(name)) {
    ws.close(4001, "Name is taken");
    return;
  }
  if (members.size >= MAX_MEMBERS) {
    ws.close(4002, "Room is full");
    return;
  }

  for (const news of history) ws.send(JSON.stringify(news));
  members.set(name, ws);
  tellWho("joined", name);

  // It ends when the WebSocket does, in whatever way.
  for await (const message of ws) {
    const text = typeof message === "string" ? message.trim() : "";
    if (text === "") continue;
    tell({ type: "message", name, text: text.slice(0, MAX_TEXT) });
    // While no message is asked for, little is read: who floods the room is
    // held up by TCP, and fills nobody's queue but the own.
    await new Promise((resolve) => setTimeout(resolve, Number(pause)));
  }
  members.delete(name);
  tellWho("left", name);
}

for await (const client of server) {
  if (client.path === "/") {
    client.respondFile(`${import.meta.dirname}/pages/chat.html`);
  } else if (client.path === "/chat") {
    join(client); // without `await`: it takes as long as the chat
  } else {
    client.respond("Not found", { status: 404 });
  }
}
