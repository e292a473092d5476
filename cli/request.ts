import { HttpClient, type HttpResponse } from "../client.ts";
import type { RequestArguments } from "./arguments.ts";
import { makeBody, queryOf } from "./body.ts";
import { clientOptions, fieldsOf, originOf } from "./connecting.ts";
import { CliError, ExitCode, usageError } from "./exit_codes.ts";
import { Interrupt } from "./interrupt.ts";
import { type CliIo, writeAll } from "./io.ts";
import { copyBody, saveBody, showBody } from "./output.ts";
import { plainLine } from "./plain_text.ts";
import { marked, requestHead, responseHead, timingLine } from "./wire_view.ts";

/** The longest silence, in ms, unless the user names one. */
const TIMEOUT = 300_000;

/**
 * Sends a request, and shows or saves the response.
 *
 * @throws {CliError | ClientError} If that does not work.
 */
export async function runRequest(
  args: RequestArguments,
  io: CliIo,
): Promise<ExitCode> {
  using interrupt = new Interrupt(io);
  const work = send(args, io, interrupt);
  work.catch(() => {}); // it may be left behind
  return await interrupt.orInsistence(work);
}

async function send(
  args: RequestArguments,
  io: CliIo,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const options = await interrupt.orEnd(clientOptions(args, io, TIMEOUT));
  let body = args.body === null
    ? null
    : await interrupt.orEnd(makeBody(args.body, io.stdin));
  const { url } = args;
  if (args.isQuery && body !== null) {
    const query = queryOf(body);
    url.search += (url.search === "" ? "?" : "&") + query;
    body = null;
  }
  const fields = fieldsOf(args);
  if (body?.type !== undefined && fields["content-type"] === undefined) {
    fields["content-type"] = body.type;
  }
  if (body?.accept !== undefined && fields.accept === undefined) {
    fields.accept = body.accept;
  }
  const origin = originOf(url);
  await using client = made(() => new HttpClient(origin, options));
  const request = made(() =>
    client.request(args.method, origin + url.pathname + url.search, {
      headers: fields,
      data: body?.data,
      expectContinue: body?.isLarge,
      maxRedirects: args.maxRedirects,
      signal: interrupt.signal,
      stream: true,
    })
  );
  let response: HttpResponse;
  try {
    response = await request;
  } finally {
    const head = requestHead(request);
    if (args.isVerbose && head.length > 0) {
      await writeAll(io.stderr, marked(">", head));
    }
  }
  try {
    if (args.isVerbose) {
      await writeAll(io.stderr, marked("<", responseHead(response)));
    }
    if (args.isFailing && response.status >= 400) {
      const { status, statusMessage } = response;
      throw new CliError(
        ExitCode.STATUS,
        `Answered ${status} ${plainLine(statusMessage)}`.trimEnd(),
      );
    }
    await put(response, args, io);
    if (request.isCutOff) {
      const { status, statusMessage } = response;
      const answer = `${status} ${plainLine(statusMessage)}`.trimEnd();
      throw new CliError(
        ExitCode.BROKEN,
        `Not all was sent, as the answer was ${answer}`,
      );
    }
    if (args.isVerbose) await writeAll(io.stderr, timingLine(response));
  } finally {
    response.close();
  }
  return ExitCode.OK;
}

/** What is wrong with an option is the user's own fault. */
function made<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) {
      throw error;
    }
    throw usageError(error.message);
  }
}

async function put(
  response: HttpResponse,
  args: RequestArguments,
  io: CliIo,
): Promise<void> {
  const { stdout } = io;
  const isTerminal = stdout.isTerminal();
  if (args.isHeadShown) {
    const lines = responseHead(response);
    const head = isTerminal
      ? marked("", lines).replaceAll(/^ /gm, "")
      : latin1([...lines, "", ""].join("\r\n"));
    await writeAll(stdout, head);
  }
  if (args.output !== undefined) {
    await saveBody(response, args.output, !args.isRemoteName, io);
  } else if (isTerminal) {
    const hasColor = args.wantsColor && !io.env("NO_COLOR") &&
      io.env("TERM") !== "dumb";
    await showBody(response, stdout, { hasColor, isRaw: args.isRaw });
  } else await copyBody(response, stdout);
}

/** A head's bytes, as they came. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
