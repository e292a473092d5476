import type { ClientRequest, HttpResponse } from "../client.ts";
import { plainLine } from "./plain_text.ts";

/** The lines of a response's head. */
export function responseHead(response: HttpResponse): string[] {
  const { protocol, status, statusMessage } = response;
  const lines = [`${protocol} ${status} ${statusMessage}`];
  for (const name of Object.keys(response.headers)) {
    for (const value of response.headersAll(name)) {
      lines.push(`${name}: ${value}`);
    }
  }
  return lines;
}

/** Lines of a head as a terminal may show them, each behind a mark. */
export function marked(mark: string, lines: readonly string[]): string {
  return [...lines, ""]
    .map((line) => `${mark} ${plainLine(readable(line))}`.trimEnd() + "\n")
    .join("");
}

/** Bytes of a head are characters of Latin-1; most that are more mean UTF-8. */
function readable(line: string): string {
  if (/^[\x20-\x7e]*$/.test(line)) return line;
  const bytes = Uint8Array.from(line, (char) => char.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return line;
  }
}

/** The lines of a request's head as it was sent last; none if it was not. */
export function requestHead(request: ClientRequest): string[] {
  return request.sentHead.split("\r\n").slice(0, -2);
}

/** How long it took, for people. */
export function timingLine({ timing }: HttpResponse): string {
  const { connect, tls, firstByte, total } = timing;
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  return `* connect ${ms(connect)}, TLS ${ms(tls)}, ` +
    `first byte ${ms(firstByte)}, total ${ms(total)}\n`;
}
