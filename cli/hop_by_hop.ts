import type { HttpResponse } from "../client.ts";

/** Header fields. */
export type Fields = Record<string, string | string[]>;

/** Fields of one connection, which no message takes along (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  // How long a body is, each side says for itself.
  "content-length",
]);

/** Whether a field goes along, where `Connection` says this. */
export function goesAlong(
  name: string,
  connection: string | undefined,
): boolean {
  if (HOP_BY_HOP.has(name)) return false;
  return connection === undefined ||
    !connection.toLowerCase().split(",").some((one) => one.trim() === name);
}

/** Fields of an answer that go along. */
export function answerFields(response: HttpResponse): Fields {
  const { headers } = response;
  const fields: Fields = Object.create(null);
  for (const name of Object.keys(headers)) {
    if (!goesAlong(name, headers.connection)) continue;
    const values = response.headersAll(name);
    fields[name] = values.length === 1 ? values[0] : values;
  }
  return fields;
}
