import {
  type HttpClient,
  ResponseError,
  type Websocket,
  type WebsocketConnectOptions,
} from "../client.ts";
import type { HttpConnection } from "../server.ts";
import { answerFields } from "./hop_by_hop.ts";
import type { Watch } from "./watch.ts";

/** Bytes of a message; each side may hold one. */
const MAX_MESSAGE = 4 * 1024 * 1024;

/**
 * Passes a WebSocket's messages on, each in frames of our own: what is no
 * WebSocket does not get through.
 *
 * @param more Who looks on, and where it is put how it can be ended.
 * @returns Whether one came about.
 */
export async function relay(
  client: HttpConnection,
  backend: HttpClient,
  target: string,
  options: Pick<WebsocketConnectOptions, "headers" | "protocols">,
  { watch, endless }: { watch: Watch | null; endless: Set<() => void> },
): Promise<boolean> {
  const ending = new AbortController();
  const leave = () => ending.abort();
  client.signal.addEventListener("abort", leave);
  let theirs: Websocket;
  try {
    theirs = await backend.websocket(target, {
      ...options,
      maxMessageLength: MAX_MESSAGE,
      signal: ending.signal,
      timeout: 30_000,
    });
  } catch (error) {
    if (!(error instanceof ResponseError) || error.response === null) {
      throw error;
    }
    // It says why not, and to whom, as it would without us.
    const { response } = error;
    const { status, statusMessage } = response;
    const headers = answerFields(response);
    watch?.response(status, statusMessage, headers);
    return await client.respond(await response.readAll(), { status, headers });
  } finally {
    client.signal.removeEventListener("abort", leave);
  }
  let ours: Websocket | null = null;
  const goodbye = () => {
    ours?.close(1001);
    theirs.close(1001);
  };
  try {
    endless.add(goodbye);
    ours = client.acceptWebsocket({
      maxMessageLength: MAX_MESSAGE,
      ...(theirs.protocol === "" ? {} : { protocol: theirs.protocol }),
    });
    if (ours === null) return false;
    watch?.response(101, "Switching Protocols", {});
    await Promise.all([
      pass(ours, theirs, (message) => watch?.message(true, message)),
      pass(theirs, ours, (message) => watch?.message(false, message)),
    ]);
    return true;
  } finally {
    endless.delete(goodbye);
    if (ours === null) await theirs.close(1001);
  }
}

/** Passes on what comes, and how it ends. */
async function pass(
  from: Websocket,
  to: Websocket,
  look: (message: string | Uint8Array) => void,
): Promise<void> {
  for await (const message of from) {
    look(message);
    if (!await to.send(message)) break;
  }
  const { code, reason } = await from.closed;
  // Some codes are only told, and not sent: without a code, or without an end.
  const isSaid = code !== 1005 && code !== 1006 && code !== 1015;
  const said = code === 1006 || code === 1015 ? 1001 : 1000;
  if (to.isClosed) return;
  await (isSaid ? to.close(code, reason) : to.close(said));
}
