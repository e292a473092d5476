// deno bench bench/parse_bench.ts
// The parser alone: one request a run, then rows that double in size. Each
// name tells the bytes, so MB/s is bytes divided by the time.
import { ParseEvent, RequestParser } from "../parse.ts";

const SMALL = "GET / HTTP/1.1\r\nHost: 127.0.0.1:9980\r\n\r\n";
const BROWSER = "GET /json?x=1&x=2 HTTP/1.1\r\nHost: 127.0.0.1:9980\r\n" +
  "Connection: keep-alive\r\nCache-Control: max-age=0\r\n" +
  "Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux " +
  "x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 " +
  "Safari/537.36\r\nAccept: text/html,application/xhtml+xml," +
  "application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n" +
  "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n" +
  "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US," +
  "en;q=0.9\r\nCookie: session=0123456789abcdef; theme=dark\r\n\r\n";

const parser = new RequestParser();

function parseOne(bytes: Uint8Array): void {
  const space = parser.space();
  if (space.length < bytes.length) parser.push(bytes);
  else {
    space.set(bytes);
    parser.filled(bytes.length);
  }
  for (;;) {
    const event = parser.next();
    if (event === ParseEvent.END) return;
    if (event === ParseEvent.FAILED || event === ParseEvent.MORE) {
      throw new Error("Bench request was not parsed");
    }
  }
}

function row(group: string, name: string, text: string): void {
  const bytes = new TextEncoder().encode(text);
  Deno.bench(`${name}, ${bytes.length} bytes`, { group }, () => {
    parseOne(bytes);
  });
}

row("request", "small", SMALL);
row("request", "browser", BROWSER);

const browser = new TextEncoder().encode(BROWSER);
Deno.bench(
  `browser with its headers read, ${browser.length} bytes`,
  { group: "request" },
  () => {
    parseOne(browser);
    if (parser.readHeaders().host !== "127.0.0.1:9980") throw new Error();
  },
);

for (let length = 1; length <= 4096; length *= 4) {
  row("target", `target of ${length}`, SMALL.replace("/", "/".repeat(length)));
}
for (let length = 1; length <= 4096; length *= 4) {
  const line = `X-Value: ${"v".repeat(length)}\r\n\r\n`;
  row("value", `value of ${length}`, SMALL.slice(0, -2) + line);
}
for (let size = 64; size <= 65536; size *= 8) {
  const chunk = `${size.toString(16)}\r\n${"d".repeat(size)}\r\n`;
  const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
  row("chunked", `chunk of ${size}`, `${head}\r\n${chunk}0\r\n\r\n`);
}
