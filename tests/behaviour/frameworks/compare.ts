// The same questions to the same handler, served here and by `Deno.serve()`.
import { assertEquals } from "@std/assert";
import { type FetchHandler, HttpClient, serve } from "@uhttp/uhttp";

/** A question: method, path, and what else a request has. */
export interface Ask {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

/** What was answered, as it came. */
interface Said {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * Fields that differ, as each server has its own ways with a connection, and
 * with the length of what streams yield at once. The reason phrase differs, too,
 * which means nothing: the native server sends its own, whatever the handler
 * says.
 */
const DIFFERENT = [
  "connection",
  "keep-alive",
  "date",
  "content-length",
  "transfer-encoding",
];

const decoder = new TextDecoder("latin1");

async function said(client: HttpClient, ask: Ask): Promise<Said> {
  const { method = "GET", path, headers, body } = ask;
  const response = await client.request(method, path, { headers, data: body });
  const fields: Record<string, string> = { ...response.headers };
  for (const name of DIFFERENT) delete fields[name];
  return {
    status: response.status,
    headers: fields,
    body: decoder.decode(response.data),
  };
}

/**
 * Asks both servers, and compares what they say.
 *
 * @param make Makes the handler, anew for each: it may keep something.
 * @param alike What of an answer differs each time, and is made alike.
 */
export async function compare(
  make: () => FetchHandler,
  asks: readonly Ask[],
  alike: (said: Said) => Said = (said) => said,
): Promise<Said[]> {
  const where = { hostname: "127.0.0.1", port: 0 };
  await using ours = serve(make(), where);
  const handler = make() as (
    request: Request,
    info: Deno.ServeHandlerInfo,
  ) => Response | Promise<Response>;
  await using theirs = Deno.serve({ ...where, onListen() {} }, handler);
  const options = {
    decompress: false,
    headers: { "user-agent": "x", host: "a.example" },
  };
  await using here = new HttpClient(ours.url, options);
  await using there = new HttpClient(
    `http://127.0.0.1:${theirs.addr.port}/`,
    options,
  );
  const all: Said[] = [];
  for (const ask of asks) {
    const [one, other] = [await said(here, ask), await said(there, ask)];
    assertEquals(
      alike(one),
      alike(other),
      `${ask.method ?? "GET"} ${ask.path} ${JSON.stringify(ask.headers)}`,
    );
    all.push(one);
  }
  return all;
}

/** A package of npm's, or null where it cannot be had. */
// deno-lint-ignore no-explicit-any -- it may not be there, and nor may its types
export async function framework(name: string): Promise<any> {
  try {
    return await import(name);
  } catch {
    return null;
  }
}

/** The head of a test of one, which is left out where it cannot be had. */
export function of(
  name: string,
  specifier: string,
  found: unknown,
): { name: string; ignore: boolean } {
  return found !== null ? { name, ignore: false } : {
    name: `${name} (left out: no ${specifier})`,
    ignore: true,
  };
}
