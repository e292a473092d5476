import {
  type Arguments,
  type BodyArgument,
  infoOf,
  type RequestArguments,
} from "./arguments.ts";
import { readConnection, readHeader, readUrl } from "./connection_arguments.ts";
import { usageError } from "./exit_codes.ts";
import { safeName } from "./file_name.ts";
import { type Given, parseOptions } from "./parse_options.ts";
import { expandUrl, MAX_URLS, nameWith } from "./url_glob.ts";
import { seconds, wholeNumber } from "./values.ts";
import {
  type Field,
  isLikeJson,
  readWord,
  type Word,
  WORDS_MEAN,
} from "./words.ts";
import { unknownVariable, VARIABLE_NAMES } from "./write_out.ts";

/** `-j` without a value; nobody types it. */
const JSON_OF_FIELDS = "json-of-fields";

/** So many requests are under way at once. */
const MAX_PARALLEL = 100;

const METHODS =
  /^(?:get|head|post|put|delete|patch|options|trace|connect|query|propfind|proppatch|mkcol|copy|move|lock|unlock|search|report|purge)$/i;

/** Reads the command line of a request. */
export function readRequest(args: readonly string[]): Arguments {
  const given = parseOptions(withBareJson(args), "request", [
    { name: JSON_OF_FIELDS, help: "" },
  ]);
  const info = infoOf(given, "request");
  if (info !== null) return info;
  const { named, typed, words } = readPositionals(given.positionals);
  const globs = typed.flatMap((text) =>
    given.flag("globoff") ? { text, values: [] } : expandUrl(text)
  );
  if (globs.length > MAX_URLS) throw usageError(`More than ${MAX_URLS} URLs`);
  const isHead = given.flag("head");
  if (isHead && named !== undefined && named.toUpperCase() !== "HEAD") {
    throw usageError("--head does not go with another method");
  }
  const connection = readConnection(given, globs[0].text, "http");
  const urls = [
    connection.url,
    ...globs.slice(1).map(({ text }) => readUrl(text, "http")),
  ];
  const fields: Field[] = [];
  for (const word of words) {
    if (word.kind === "header") connection.headers.push(readHeader(word.line));
    else if (word.kind === "field") fields.push(word.field);
    else for (const url of urls) addQuery(url, word.name, word.value);
  }
  const body = readBody(given, fields);
  const isQuery = given.flag("get");
  if (isQuery && body?.kind !== "data" && body?.kind !== "fields") {
    throw usageError("--get needs --data, or fields, to put behind the ?");
  }
  const method = named?.toUpperCase() ??
    (isHead ? "HEAD" : body === null || isQuery ? "GET" : "POST");
  const output = given.text("output");
  const isRemoteName = given.flag("remote-name");
  if (isRemoteName && output !== undefined) {
    throw usageError("--remote-name does not go with --output");
  }
  if (output === "") throw usageError("--output names no file");
  const outputs = globs.map(({ values }, i) =>
    isRemoteName
      ? remoteName(urls[i])
      : output === undefined || output === "-"
      ? undefined
      : nameWith(output, values)
  );
  checkOutputs(outputs);
  const [first, ...others] = urls.map((url, i) => ({
    url,
    output: outputs[i],
  }));
  const isSaved = first.output !== undefined;
  const isResumed = given.has("continue-at");
  if (isResumed && given.text("continue-at") !== "-") {
    throw usageError(
      "--continue-at takes - alone: what is there says how much",
    );
  }
  if (isResumed && !isSaved) {
    throw usageError("--continue-at needs --output or --remote-name");
  }
  const writeOut = given.text("write-out");
  const unknown = writeOut === undefined ? null : unknownVariable(writeOut);
  if (unknown !== null) {
    throw usageError(
      `--write-out has no ${unknown}; it has ${VARIABLE_NAMES.join(", ")}`,
    );
  }
  const redirects = given.text("max-redirects");
  return {
    ...connection,
    command: "request",
    others,
    parallel: readParallel(given),
    method,
    body,
    isQuery,
    output: first.output,
    isRemoteName,
    isResumed,
    ...readCookies(given),
    maxTime: seconds(given.text("max-time") ?? "0", "--max-time") || undefined,
    retries: readRetries(given, body, others.length > 0),
    writeOut,
    isQuiet: given.flag("quiet"),
    shown: readShown(given, method, isSaved),
    isStreamed: given.flag("stream"),
    maxRedirects: redirects === undefined
      ? given.flag("location") ? 10 : 0
      : wholeNumber(redirects, "--max-redirects", 1000),
    isFailing: given.flag("fail"),
    isRaw: given.flag("raw"),
  };
}

/** What is said of cookies. */
function readCookies(
  given: Given,
): Pick<
  RequestArguments,
  "cookies" | "cookieFile" | "cookieJar" | "session"
> {
  const cookie = given.text("cookie");
  const session = given.text("session");
  const cookieJar = given.text("cookie-jar");
  const isFile = cookie !== undefined && !cookie.includes("=");
  if (session !== undefined) {
    if (!/^[\w-][\w.-]*$/.test(session)) {
      throw usageError(`--session is no name: ${session}`);
    }
    if (isFile || cookieJar !== undefined) {
      throw usageError("--session does not go with files of cookies");
    }
  }
  return {
    cookies: isFile ? undefined : cookie,
    cookieFile: isFile ? cookie : undefined,
    cookieJar,
    session,
  };
}

function readRetries(
  given: Given,
  body: BodyArgument | null,
  hasOthers: boolean,
): number {
  const text = given.text("retry");
  const comesOnce = body?.kind === "file" && body.path === "-";
  if (comesOnce && (text !== undefined || hasOthers)) {
    const what = hasOthers ? "several URLs do" : "--retry does";
    throw usageError(`${what} not go with --file -, which comes but once`);
  }
  if (text === undefined) return 0;
  return wholeNumber(text, "--retry", 100);
}

function readParallel(given: Given): number {
  const text = given.text("parallel");
  if (text === undefined) return 1;
  return Math.max(1, wholeNumber(text, "--parallel", MAX_PARALLEL));
}

/** What is shown of an exchange. */
function readShown(given: Given, method: string, isSaved: boolean): string {
  const text = given.text("print");
  const isHead = given.flag("include") || method === "HEAD" && !isSaved;
  if (text === undefined) return isHead ? "hb" : "b";
  if (given.flag("include")) {
    throw usageError("--print does not go with --include: it has h");
  }
  const wrong = /[^HBhbm]/.exec(text)?.[0];
  if (wrong !== undefined) {
    throw usageError(`--print has no ${wrong}; it has H, B, h, b and m`);
  }
  if (isSaved && !text.includes("b")) {
    throw usageError("--print without b does not go with a file to write to");
  }
  return text;
}

/** No two of them may be one file. */
function checkOutputs(outputs: readonly (string | undefined)[]): void {
  const seen = new Set<string>();
  for (const output of outputs) {
    if (output === undefined) continue;
    if (seen.has(output)) {
      throw usageError(
        `Two URLs would be written to ${output}; ` +
          "#1 in its name stands for the first {a,b} or [1-9]",
      );
    }
    seen.add(output);
  }
}

/** `-j` takes a value only where that is meant to be JSON. */
function withBareJson(args: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === "--") return [...out, ...args.slice(i)];
    const isJson = arg === "--json" || /^-[GOiILvkqgn]*j$/.test(arg);
    const next = args[i + 1];
    if (!isJson || next !== undefined && isLikeJson(next)) {
      out.push(arg);
      if (isJson) out.push(args[++i]);
      continue;
    }
    if (arg.length > 2 && arg !== "--json") out.push(arg.slice(0, -1));
    out.push(`--${JSON_OF_FIELDS}`);
  }
  return out;
}

/** Parts the method, the URL, and the words behind it. */
function readPositionals(
  positionals: readonly string[],
): { named: string | undefined; typed: string[]; words: Word[] } {
  const [first, second] = positionals;
  if (first === undefined) {
    throw usageError("URL is missing; uhttp --help tells more");
  }
  const isNamed = second !== undefined && isMethod(first, second);
  const behind = positionals.slice(isNamed ? 2 : 1);
  const typed = [isNamed ? second : first];
  if (/^[^/?#:@]*=/.test(typed[0])) {
    throw usageError(`${typed[0]} goes behind the URL`);
  }
  // What is surely a URL is a further one.
  const end = behind.findIndex((text) => !/^(?:https?:\/\/|:\d)/i.test(text));
  const more = end < 0 ? behind.length : end;
  typed.push(...behind.slice(0, more));
  const rest = behind.slice(more);
  const words = rest.map((text) => {
    const word = readWord(text);
    if (word !== null) return word;
    throw usageError(`Not understood: ${text}; ${WORDS_MEAN}`);
  });
  return { named: isNamed ? first : undefined, typed, words };
}

/** Whether the first of two is a method, and not the URL. */
function isMethod(first: string, second: string): boolean {
  if (METHODS.test(first)) return true;
  if (!/^[A-Za-z][-\w]*$/.test(first)) return false;
  if (/^[A-Z][-_A-Z]*$/.test(first)) return true;
  // A host may look like a method; then the second is a word. Small letters and
  // digits behind a colon are a host and its port.
  const word = readWord(second);
  return word === null ||
    word.kind === "header" && /^[^/:A-Z]+: \d{1,5}(?:\/.*)?$/.test(word.line);
}

function addQuery(url: URL, name: string, value: string): void {
  const pair = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  url.search += (url.search === "" ? "?" : "&") + pair;
}

function readBody(given: Given, fields: Field[]): BodyArgument | null {
  const names = (["data", "json", "file", "form"] as const)
    .filter((name) => given.has(name));
  if (names.length > 1) {
    throw usageError(`--${names[1]} does not go with --${names[0]}`);
  }
  const isJson = given.flag(JSON_OF_FIELDS);
  if (names.length > 0 && (fields.length > 0 || isJson)) {
    const one = isJson ? "--json" : `${fields[0].name}=`;
    throw usageError(`${one} does not go with --${names[0]}`);
  }
  switch (names[0]) {
    case "data":
      return { kind: "data", texts: given.texts("data") };
    case "json":
      return { kind: "json", text: given.text("json")! };
    case "file":
      return { kind: "file", path: given.text("file")! };
    case "form": {
      const parts = given.texts("form").map((field) => {
        const at = field.indexOf("=");
        if (at <= 0) throw usageError(`No name=value: ${field}`);
        return [field.slice(0, at), field.slice(at + 1)] as [string, string];
      });
      return { kind: "form", fields: parts };
    }
    case undefined:
      return bodyOfFields(fields, isJson, given.flag("get"));
  }
}

function bodyOfFields(
  fields: Field[],
  isJson: boolean,
  isQuery: boolean,
): BodyArgument | null {
  if (fields.length === 0) {
    if (isJson) throw usageError("--json has neither a value nor fields");
    return null;
  }
  const file = fields.find(({ value }) => value.kind === "file");
  if (file !== undefined && (isJson || isQuery)) {
    const where = isJson ? "JSON" : "a URL";
    throw usageError(`${file.name}@ sends a file, which ${where} cannot`);
  }
  return { kind: "fields", fields, isJson };
}

/** The name that a URL gives a file; it never leads out of the folder. */
function remoteName(url: URL): string {
  let name = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // Left as it is: the percent signs do no harm.
  }
  // A server must not write what a shell or a program reads as its settings.
  const safe = safeName(name.replace(/[/\\:]/g, "_"), false);
  if (safe === null) {
    throw usageError("URL names no file; give one with --output");
  }
  return safe;
}
