import type {
  ClientRequest,
  CookieJar,
  HttpClient,
  HttpResponse,
} from "../client.ts";
import { pause } from "../transport/clock.ts";
import type { RequestArguments, Target } from "./arguments.ts";
import { makeBody, queryOf, type RequestBody } from "./body.ts";
import { type Fields, fieldsOf, originOf } from "./connecting.ts";
import { CliError, ExitCode, exitCodeOf } from "./exit_codes.ts";
import { withHint } from "./hints.ts";
import { Interrupt } from "./interrupt.ts";
import { type CliIo, writeAll, writeLine } from "./io.ts";
import { eachInLanes, Turns } from "./lanes.ts";
import { copyBody, saveBody, showBody } from "./output.ts";
import { plainLine, plainText } from "./plain_text.ts";
import { withProxy } from "./proxy.ts";
import { sizeSoFar, startOf } from "./resume.ts";
import { isPassing, waitBefore } from "./retry.ts";
import { openSession, saveSession } from "./session.ts";
import { made, Sites } from "./sites.ts";
import { jsonText } from "./views.ts";
import { marked, requestHead, responseHead, timingLine } from "./wire_view.ts";
import { writeOut } from "./write_out.ts";

/**
 * Sends a request, or one to each of several URLs, and shows or saves the
 * responses.
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

/** What all requests of a call have in common. */
interface Call {
  io: CliIo;
  interrupt: Interrupt;
  sites: Sites;
  jar: CookieJar | null;
  body: RequestBody | null;
  turns: Turns;
}

async function run(
  args: RequestArguments,
  io: CliIo,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const { url, output, others } = args;
  const targets: Target[] = [{ url, output }, ...others];
  const session = await interrupt.orEnd(openSession(args, io));
  const jar = session?.jar ?? null;
  const sites = new Sites(targets.map(({ url }) => url), io, jar);
  // Who is asked for a password is asked first.
  await interrupt.orEnd(sites.client(args));
  const body = args.body === null
    ? null
    : await interrupt.orEnd(makeBody(args.body, io.stdin));
  const call = { io, interrupt, sites, jar, body, turns: new Turns() };
  let code: ExitCode = ExitCode.OK;
  try {
    if (others.length === 0) await attempt(args, 0, call);
    else {
      await eachInLanes(targets.length, args.parallel, async (number) => {
        const one = { ...args, ...targets[number] };
        const fault = await faultOf(one, number, call);
        if (fault !== ExitCode.OK && code === ExitCode.OK) code = fault;
      });
    }
  } finally {
    await sites.close();
    if (session !== null) await saveSession(session);
  }
  return code;
}

/** Does one of several; what goes wrong with it does not end the others. */
async function faultOf(
  args: RequestArguments,
  number: number,
  call: Call,
): Promise<ExitCode> {
  try {
    await attempt(args, number, call);
    return ExitCode.OK;
  } catch (error) {
    const code = exitCodeOf(error);
    const { message } = error as Error;
    // An output that nobody reads is none for the others either.
    if (call.interrupt.signal.aborted || message === "") throw error;
    const { href } = withoutUser(args.url);
    const where = message.includes(href) ? "" : `${href}: `;
    await writeLine(
      call.io.stderr,
      `uhttp: ${plainLine(where + message)}`,
    );
    return code;
  } finally {
    call.turns.pass(number);
    await call.sites.done(args.url);
  }
}

function withoutUser(url: URL): URL {
  const plain = new URL(url);
  plain.username = plain.password = "";
  return plain;
}

/** What is sent to one URL, each time that it is. */
interface Plan {
  url: URL;
  fields: Fields;
  body: RequestBody | null;
  /** How much of the file is there; `null` where a new one is written. */
  soFar: number | null;
}

async function makePlan(
  args: RequestArguments,
  { body, jar }: Call,
): Promise<Plan> {
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
  return { url, fields, body, soFar };
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
  args: RequestArguments,
  number: number,
  call: Call,
): Promise<void> {
  const { interrupt, sites, io } = call;
  try {
    const client = await interrupt.orEnd(sites.client(args));
    const plan = await interrupt.orEnd(makePlan(args, call));
    await send(client, plan, args, number, call);
  } catch (error) {
    throw withHint(withProxy(error, args, io), args);
  }
}

async function send(
  client: HttpClient,
  plan: Plan,
  args: RequestArguments,
  number: number,
  { interrupt, io, turns }: Call,
): Promise<void> {
  const { url, fields, body } = plan;
  for (let count = 0;; count++) {
    const request = made(() =>
      client.request(args.method, originOf(url) + url.pathname + url.search, {
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
    interrupt.progress = "nothing was answered";
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
      interrupt.progress = "the next try was not due yet";
      await pause(wait, interrupt.signal);
      continue;
    }
    if (response === null) throw fault;
    try {
      interrupt.progress = "the end of the answer did not come";
      // What is shown stays in order; what is saved need not wait.
      if (args.output === undefined) {
        await interrupt.orEnd(turns.come(number));
      }
      await take(response, request, plan, args, io);
    } finally {
      response.close();
    }
    return;
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
    await put(response, request, plan, args, io);
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

async function put(
  response: HttpResponse,
  request: ClientRequest,
  { soFar, body }: Plan,
  args: RequestArguments,
  io: CliIo,
): Promise<void> {
  const { stdout } = io;
  const { output, shown } = args;
  const isTerminal = stdout.isTerminal();
  const hasColor = isTerminal && args.wantsColor && !io.env("NO_COLOR") &&
    io.env("TERM") !== "dumb";
  const showHead = (lines: string[]) =>
    writeAll(
      stdout,
      isTerminal
        ? marked("", lines).replaceAll(/^ /gm, "")
        : latin1([...lines, "", ""].join("\r\n")),
    );
  if (shown.includes("H")) await showHead(requestHead(request));
  if (shown.includes("B") && body !== null) {
    const text = bodyText(body, isTerminal, hasColor);
    await writeAll(stdout, text);
    await writeAll(stdout, "\n\n");
  }
  if (shown.includes("h")) await showHead(responseHead(response));
  if (output !== undefined) {
    const start = soFar === null ? null : startOf(response, soFar);
    // Nothing is missing.
    if (soFar !== null && start === null) return;
    const isGiven = !args.isRemoteName;
    // Of several bars none could be read.
    const isQuiet = args.isQuiet || args.parallel > 1;
    await saveBody(response, { path: output, isGiven, start, isQuiet }, io);
  } else if (!shown.includes("b")) {
    // It is over when all has come.
    if (shown.includes("m")) { while (await response.read() !== null); }
  } else if (isTerminal) {
    const { isRaw, isStreamed } = args;
    await showBody(response, stdout, { hasColor, isRaw, isStreamed });
  } else await copyBody(response, stdout);
  if (shown.includes("m")) await writeAll(stdout, timingLine(response));
}

/** A body that was sent, as far as it is text that is here. */
function bodyText(
  { data, type }: RequestBody,
  isTerminal: boolean,
  hasColor: boolean,
): string | Uint8Array {
  if (data instanceof ArrayBuffer) data = new Uint8Array(data);
  if (!(data instanceof Uint8Array) && typeof data !== "string") {
    return "(files, or what was piped in)";
  }
  if (!isTerminal) return data;
  const text = typeof data === "string" ? data : new TextDecoder().decode(data);
  return type === "application/json"
    ? jsonText(text, hasColor, true)
    : plainText(text);
}

/** A head's bytes, as they came. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
