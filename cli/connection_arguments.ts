import type { ConnectionArguments } from "./arguments.ts";
import { usageError } from "./exit_codes.ts";
import type { Given } from "./parse_options.ts";
import { seconds } from "./values.ts";

/**
 * The URL that somebody typed: without a scheme it gets one, and `:8000` is
 * a port of this machine.
 */
export function readUrl(text: string, kind: "http" | "ws"): URL {
  const typed = text;
  if (/^:\d/.test(text)) text = "localhost" + text;
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    const isSecure = /^[^/?#]*:443(?:[/?#]|$)/.test(text);
    text = `${kind}${isSecure ? "s" : ""}://${text}`;
  }
  const url = URL.parse(text);
  if (url === null || url.hostname === "") throw usageError(`No URL: ${typed}`);
  // A WebSocket may be named by the URL of its site.
  if (kind === "ws" && /^https?:$/.test(url.protocol)) {
    return new URL("ws" + url.href.slice(4));
  }
  if (!new RegExp(`^${kind}s?:$`).test(url.protocol)) {
    throw usageError(`Cannot do ${url.protocol.slice(0, -1)}: ${typed}`);
  }
  return url;
}

/** Reads what goes into a connection. */
export function readConnection(
  given: Given,
  url: string,
  kind: "http" | "ws",
): ConnectionArguments {
  const user = given.text("user");
  const colon = user?.indexOf(":") ?? -1;
  if (user !== undefined && given.has("bearer")) {
    throw usageError("--bearer does not go with --user");
  }
  if (given.has("unix") && given.text("proxy")) {
    throw usageError("--proxy does not go with --unix");
  }
  const isBasic = given.flag("basic");
  const isDigest = given.flag("digest");
  if (isBasic && isDigest) {
    throw usageError("--digest does not go with --basic");
  }
  const target = readUrl(url, kind);
  if (
    (isBasic || isDigest) && user === undefined && target.username === "" &&
    !given.flag("netrc")
  ) {
    throw usageError(`--${isBasic ? "basic" : "digest"} needs --user`);
  }
  const [cert, key] = [given.text("cert"), given.text("key")];
  if (key !== undefined && cert === undefined) {
    throw usageError("--key needs --cert");
  }
  const timeout = given.text("timeout");
  return {
    url: target,
    headers: given.texts("header").map(readHeader),
    isInsecure: given.flag("insecure"),
    timeout: timeout === undefined ? undefined : seconds(timeout, "--timeout"),
    user: user === undefined ? undefined : {
      name: colon < 0 ? user : user.slice(0, colon),
      password: colon < 0 ? undefined : user.slice(colon + 1),
    },
    hasNetrc: given.flag("netrc"),
    scheme: isBasic ? "basic" : isDigest ? "digest" : undefined,
    bearer: given.text("bearer"),
    unix: given.text("unix"),
    proxy: given.text("proxy"),
    caCert: given.text("cacert"),
    cert,
    key: key ?? cert, // one file may have both
    isVerbose: given.flag("verbose"),
    wantsColor: given.choice("color") !== false,
  };
}

/** Reads `Name: value`. */
export function readHeader(line: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*)$/s.exec(line);
  // deno-lint-ignore no-control-regex
  if (match === null || /[\x00-\x08\x0a-\x1f\x7f]/.test(match[2])) {
    throw usageError(`No header "Name: value": ${line}`);
  }
  return [match[1], match[2].trimEnd()];
}
