import { type HttpConnection, type HttpServer, merge } from "../server.ts";
import type { AccessLog } from "./access_log.ts";
import { ExitCode } from "./exit_codes.ts";
import { type CliIo, reason } from "./io.ts";
import { LineQueue } from "./line_queue.ts";
import { plainLine } from "./plain_text.ts";

/** How long answers in progress may take at the end, in ms. */
const SHUTDOWN_TIMEOUT = 5000;

/** What answers requests. */
export interface Answerer {
  /**
   * Answers a request, and resolves to whether the answer is out: else the peer
   * is gone, or has got another. Rejects for a fault of ours alone.
   */
  answer(client: HttpConnection): Promise<boolean>;
  /** Answers where something of ours went wrong. */
  failed(client: HttpConnection): Promise<boolean>;
  /** The user wants an end: what would never end by itself is ended. */
  ending?(): void;
  /** Nothing is asked any more. */
  close?(): Promise<void>;
}

/**
 * Has requests answered until the user wants an end.
 *
 * @param greeting What is said at the start.
 * @param log What the servers tell of answers; `null` for nothing.
 */
export async function runServer(
  servers: readonly HttpServer[],
  answerer: Answerer,
  greeting: readonly string[],
  log: AccessLog | null,
  io: CliIo,
): Promise<ExitCode> {
  let isEnding = false;
  const stopListening = io.onInterrupt(() => {
    answerer.ending?.();
    for (const server of servers) {
      // Once more, and nothing is waited for.
      if (isEnding) server.close();
      else server.shutdown({ timeout: SHUTDOWN_TIMEOUT });
    }
    isEnding = true;
  });
  const notes = new LineQueue(io.stderr);
  const open = new Set<Promise<void>>();
  try {
    for (const line of greeting) notes.add(line);
    for await (const client of merge(...servers)) {
      const handled = handle(client, answerer, notes);
      open.add(handled);
      handled.then(() => open.delete(handled));
    }
    await Promise.all(open);
    for (const server of servers) await server.finished;
    await log?.flushed();
    if (log !== null && log.lost > 0) {
      notes.add(`uhttp: ${log.lost} requests are not in the log`);
    }
    await notes.flushed();
  } finally {
    stopListening();
    for (const server of servers) await server.close();
    await answerer.close?.();
  }
  return ExitCode.OK;
}

async function handle(
  client: HttpConnection,
  answerer: Answerer,
  notes: LineQueue,
): Promise<void> {
  try {
    await answerer.answer(client);
  } catch (error) {
    notes.add(`uhttp: ${plainLine(reason(error))}`);
    await answerer.failed(client);
  }
}
