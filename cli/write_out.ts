import type { HttpResponse } from "../client.ts";

/** What of an exchange can be written, by the names that curl has for it. */
const VARIABLES: Readonly<
  Record<string, (response: HttpResponse) => string | number>
> = {
  http_code: ({ status }) => status,
  response_code: ({ status }) => status,
  http_version: ({ protocol }) => protocol.replace(/^HTTP\//, ""),
  method: ({ request }) => request.method,
  url: ({ request }) => request.url,
  url_effective: ({ url }) => url,
  content_type: ({ headers }) => headers["content-type"] ?? "",
  size_download: ({ bytesReceived }) => bytesReceived,
  time_connect: ({ timing }) => seconds(timing.connect),
  time_appconnect: ({ timing }) =>
    seconds(timing.tls > 0 ? timing.connect + timing.tls : 0),
  time_starttransfer: ({ timing }) => seconds(timing.firstByte),
  time_total: ({ timing }) => seconds(timing.total),
  header_json: ({ headers }) => JSON.stringify(headers),
};

/** The names, for the help. */
export const VARIABLE_NAMES: readonly string[] = Object.keys(VARIABLES);

function seconds(ms: number): string {
  return (ms / 1000).toFixed(6);
}

const PATTERN = /%\{([^}]*)\}|%header\{([^}]*)\}|%%|\\[nrt\\]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  "%%": "%",
  "\\n": "\n",
  "\\r": "\r",
  "\\t": "\t",
  "\\\\": "\\",
};

/** The first variable of a format that is none; `null` if all are. */
export function unknownVariable(format: string): string | null {
  for (const [, name, header] of format.matchAll(PATTERN)) {
    if (name !== undefined && !Object.hasOwn(VARIABLES, name)) return name;
    if (header === "") return "header{}";
  }
  return null;
}

/** Text in which `%{name}` and `%header{name}` stand for what was the case. */
export function writeOut(format: string, response: HttpResponse): string {
  return format.replace(PATTERN, (all, name, header) => {
    if (header !== undefined) {
      return response.headersAll(header.toLowerCase()).join(", ");
    }
    return name === undefined ? ESCAPES[all] : `${VARIABLES[name](response)}`;
  });
}
