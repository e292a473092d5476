import { join } from "@std/path";
import type { ClientAuth, HttpClientOptions } from "../client.ts";
import type { ConnectionArguments } from "./arguments.ts";
import { cannotRead } from "./disk_file.ts";
import { usageError } from "./exit_codes.ts";
import { VERSION } from "./help.ts";
import type { CliIo } from "./io.ts";
import { askPassword } from "./password.ts";
import { credentialsOf } from "./netrc.ts";
import { proxyUrl } from "./proxy.ts";

/** Fields of a request, as the client takes them; `null` leaves one out. */
export type Fields = Record<string, string | string[] | null>;

/** The fields that the command line asks for, by lower-case name. */
export function fieldsOf(args: ConnectionArguments): Fields {
  const fields: Fields = Object.create(null);
  fields["user-agent"] = `uhttp/${VERSION}`;
  const seen = new Set<string>();
  for (const [given, value] of args.headers) {
    const name = given.toLowerCase();
    const before = seen.has(name) ? fields[name] ?? [] : [];
    // A name without a value takes out what would be sent by itself.
    fields[name] = value === "" ? null : before.length === 0 ? value : [
      ...(typeof before === "string" ? [before] : before),
      value,
    ];
    seen.add(name);
  }
  return fields;
}

/** A URL's scheme, host and port, for HTTP. */
export function originOf(url: URL): string {
  return url.origin.replace(/^ws/, "http");
}

/** The client's options that the command line asks for. */
export async function clientOptions(
  args: ConnectionArguments,
  io: CliIo,
  defaultTimeout: number,
): Promise<HttpClientOptions> {
  const options: HttpClientOptions = {};
  const auth = await authOf(args, io);
  if (auth !== undefined) options.auth = auth;
  const timeout = args.timeout ?? defaultTimeout;
  options.timeout = timeout === 0 ? Infinity : timeout;
  if (args.timeout !== undefined) options.connectTimeout = options.timeout;
  if (args.isInsecure) options.insecure = true;
  if (args.unix !== undefined) {
    options.path = args.unix;
  } else {
    const proxy = proxyUrl(args, io);
    if (proxy !== undefined) options.proxy = proxy;
  }
  if (args.caCert !== undefined) {
    options.caCerts = [await readFile(args.caCert)];
  }
  if (args.cert !== undefined) {
    options.cert = await readPem(args.cert, "CERTIFICATE");
    options.key = await readPem(args.key!, "PRIVATE KEY");
  }
  return options;
}

async function readFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** The parts of a file that are of a kind: one may have several kinds. */
async function readPem(path: string, kind: string): Promise<string> {
  const text = await readFile(path);
  const parts = text.matchAll(
    /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g,
  );
  const found = [...parts].filter(([, one]) => one.endsWith(kind));
  if (found.length === 0) {
    throw cannotRead(path, `It has no ${kind} in PEM`);
  }
  return found.map(([part]) => part).join("\n") + "\n";
}

async function authOf(
  args: ConnectionArguments,
  io: CliIo,
): Promise<ClientAuth | undefined> {
  const { bearer, scheme } = args;
  if (bearer !== undefined) return { bearer };
  const pair = await userOf(args, io);
  if (pair === undefined) return undefined;
  switch (scheme) {
    case "basic":
      return { basic: pair };
    case "digest":
      return { digest: pair };
    case undefined:
      return pair;
  }
}

async function userOf(
  { url, user, hasNetrc }: ConnectionArguments,
  io: CliIo,
): Promise<[user: string, password: string] | undefined> {
  const isInUrl = url.username !== "" || url.password !== "";
  if (hasNetrc && user?.password === undefined && !isInUrl) {
    const found = await fromNetrc(url.hostname, user?.name, io);
    if (found !== null) return found;
  }
  if (user !== undefined) {
    // It is asked for once, however many URLs there are.
    user.password ??= await askPassword(io, user.name);
    return [user.name, user.password];
  }
  if (!isInUrl) return undefined;
  try {
    return [
      decodeURIComponent(url.username),
      decodeURIComponent(url.password),
    ];
  } catch {
    throw usageError("User or password in the URL is not well encoded");
  }
}

async function fromNetrc(
  host: string,
  login: string | undefined,
  io: CliIo,
): Promise<[user: string, password: string] | null> {
  const given = io.env("NETRC");
  const home = io.env("HOME") ?? io.env("USERPROFILE");
  if (!given && !home) throw usageError("--netrc finds no HOME");
  const path = given || join(home!, ".netrc");
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
  return credentialsOf(text, host, login);
}
