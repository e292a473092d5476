import {
  type ClientRequest,
  type CookieJar,
  HttpClient,
  type HttpClientOptions,
  type HttpResponse,
} from "../client.ts";
import { pause } from "../transport/clock.ts";
import type { RequestArguments } from "./arguments.ts";
import { makeBody, queryOf, type RequestBody } from "./body.ts";
import {
  clientOptions,
  type Fields,
  fieldsOf,
  originOf,
} from "./connecting.ts";
import { CliError, ExitCode, usageError } from "./exit_codes.ts";
import { Interrupt } from "./interrupt.ts";
import { type CliIo, writeAll, writeLine } from "./io.ts";
import { copyBody, saveBody, showBody } from "./output.ts";
import { plainLine } from "./plain_text.ts";
import { withProxy } from "./proxy.ts";
import { sizeSoFar, startOf } from "./resume.ts";
import { isPassing, waitBefore } from "./retry.ts";
import { openSession, saveSession } from "./session.ts";
import { marked, requestHead, responseHead, timingLine } from "./wire_view.ts";
import { writeOut } from "./write_out.ts";

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
  using interrupt = new Interrupt(io, args.maxTime);
  const work = run(args, io, interrupt);
  work.catch(() => {}); // it may be left behind
  return await interrupt.orInsistence(work);
}

/** What is sent, each time that it is. */
interface Plan {
  options: HttpClientOptions;
  url: URL;
  fields: Fields;
  body: RequestBody | null;
  /** How much of the file is there; `null` where a new one is written. */
  soFar: number | null;
}

async function run(
  args: RequestArguments,
  io: CliIo,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const options = await interrupt.orEnd(clientOptions(args, io, TIMEOUT));
  const session = await interrupt.orEnd(openSession(args, io));
  if (session !== null) options.cookies = session.jar;
  const jar = session?.jar ?? null;
  const plan = await interrupt.orEnd(makePlan(args, options, jar, io));
  try {
    return await attempt(plan, args, io, interrupt);
  } catch (error) {
    throw withProxy(error, args, io);
  } finally {
    if (session !== null) await saveSession(session);
  }
}

async function makePlan(
  args: RequestArguments,
  options: HttpClientOptions,
  jar: CookieJar | null,
  io: CliIo,
): Promise<Plan> {
  let body = args.body === null ? null : await makeBody(args.body, io.stdin);
  const url = new URL(args.url);
  if (args.isQuery && body !== null) {
    url.search += (url.search === "" ? "?" : "&") + queryOf(body);
    body = null;
  }
  const fields = fieldsOf(args);
  // What was given by -H goes first, also to leave a field out.
  const usual = {
    "content-type": body?.type,
    accept: body?.accept,
    cookie: args.cookies === undefined
      ? undefined
      : withKept(args.cookies, jar?.header(url) ?? ""),
  };
  for (const [name, value] of Object.entries(usual)) {
    if (value !== undefined && fields[name] === undefined) fields[name] = value;
  }
  let soFar: number | null = null;
  if (args.isResumed) {
    soFar = await sizeSoFar(args.output!, !args.isRemoteName);
    if (soFar > 0) fields.range = `bytes=${soFar}-`;
    // A part is one of the bytes as they are.
    fields["accept-encoding"] = "identity";
  }
  return { options, url, fields, body, soFar };
}

/** Cookies that were given, behind those of other names that are kept. */
function withKept(given: string, kept: string): string {
  const nameOf = (pair: string) => pair.split("=")[0].trim();
  const names = given.split(";").map(nameOf);
  return [
    ...kept.split("; ").filter((pair) =>
      pair !== "" && !names.includes(nameOf(pair))
    ),
    given,
  ].join("; ");
}

/** Sends it, as often as it takes and may. */
async function attempt(
  plan: Plan,
  args: RequestArguments,
  io: CliIo,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const { url, fields, body } = plan;
  const origin = originOf(url);
  await using client = made(() => new HttpClient(origin, plan.options));
  for (let count = 0;; count++) {
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
    let response: HttpResponse | null = null;
    let fault: unknown;
    try {
      response = await request;
    } catch (error) {
      fault = error;
    }
    const head = requestHead(request);
    if (args.isVerbose && head.length > 0) {
      await writeAll(io.stderr, marked(">", head));
    }
    if (count < args.retries && isPassing(response ?? fault)) {
      const wait = waitBefore(count, response?.headers["retry-after"]);
      const why = response === null
        ? (fault as Error).message
        : `Answered ${statusOf(response)}`;
      response?.close();
      if (!args.isQuiet) {
        const when = `again in ${wait / 1000} s`;
        await writeLine(io.stderr, `* ${plainLine(why)}; ${when}`);
      }
      await pause(wait, interrupt.signal);
      continue;
    }
    if (response === null) throw fault;
    try {
      await take(response, request, plan, args, io);
    } finally {
      response.close();
    }
    return ExitCode.OK;
  }
}

/** Does with a response what is to be done with it. */
async function take(
  response: HttpResponse,
  request: ClientRequest,
  plan: Plan,
  args: RequestArguments,
  io: CliIo,
): Promise<void> {
  if (args.isVerbose) {
    await writeAll(io.stderr, marked("<", responseHead(response)));
  }
  const isFailure = args.isFailing && response.status >= 400;
  const isComplete = plan.soFar !== null && plan.soFar > 0 &&
    response.status === 416;
  if (!isFailure || isComplete) {
    await put(response, plan, args, io);
    if (request.isCutOff) {
      throw new CliError(
        ExitCode.BROKEN,
        `Not all was sent, as the answer was ${statusOf(response)}`,
      );
    }
    if (args.isVerbose) await writeAll(io.stderr, timingLine(response));
  }
  if (args.writeOut !== undefined) {
    await writeAll(io.stdout, writeOut(args.writeOut, response));
  }
  if (isFailure && !isComplete) {
    throw new CliError(ExitCode.STATUS, `Answered ${statusOf(response)}`);
  }
}

function statusOf({ status, statusMessage }: HttpResponse): string {
  return `${status} ${plainLine(statusMessage)}`.trimEnd();
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
  { soFar }: Plan,
  args: RequestArguments,
  io: CliIo,
): Promise<void> {
  const { stdout } = io;
  const { output, isQuiet } = args;
  const isTerminal = stdout.isTerminal();
  if (args.isHeadShown) {
    const lines = responseHead(response);
    const head = isTerminal
      ? marked("", lines).replaceAll(/^ /gm, "")
      : latin1([...lines, "", ""].join("\r\n"));
    await writeAll(stdout, head);
  }
  if (output !== undefined) {
    const start = soFar === null ? null : startOf(response, soFar);
    // Nothing is missing.
    if (soFar !== null && start === null) return;
    const isGiven = !args.isRemoteName;
    await saveBody(response, { path: output, isGiven, start, isQuiet }, io);
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
