// The same forms to us and to the `FormData` of others: what each makes of every
// row, and each difference with its reason.
import { assert, assertEquals } from "@std/assert";
import { LoadedForm } from "../../message/form.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { program, wanting } from "../support/wanting.ts";
import { unnamed } from "./differences.ts";
import { formDifferences } from "./form_differences.ts";
import { type FormPart, worldForms as rows } from "./form_rows.ts";

const TYPE = "multipart/form-data; boundary=b";
const PEER = new URL("peers/forms.mjs", import.meta.url).pathname;

async function partsOf(
  entries: Iterable<[string, string | File]>,
): Promise<FormPart[]> {
  const parts: FormPart[] = [];
  for (const [name, value] of entries) {
    if (typeof value === "string") parts.push([name, null, value]);
    else {
      const bytes = new Uint8Array(await value.arrayBuffer());
      parts.push([name, value.name, latin1Text(bytes)]);
    }
  }
  return parts;
}

async function byUs(body: string): Promise<FormPart[] | null> {
  let form: LoadedForm;
  try {
    form = new LoadedForm(latin1Bytes(body), TYPE);
  } catch {
    return null;
  }
  const values = Object.entries(form.toDict());
  return await partsOf(
    values.flatMap(([name, value]) =>
      [value].flat().map((one): [string, string | File] => [name, one])
    ),
  );
}

async function byDeno(body: string): Promise<FormPart[] | null> {
  try {
    const headers = { "content-type": TYPE };
    return await partsOf(
      await new Response(latin1Bytes(body), { headers }).formData(),
    );
  } catch {
    return null;
  }
}

/** Another program reads all of them at once. */
async function byProgram(
  name: "node" | "bun",
): Promise<(FormPart[] | null)[]> {
  const child = new Deno.Command(program(name), {
    args: [PEER],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const bodies = JSON.stringify(rows.map(({ body }) => body));
  await input.write(new TextEncoder().encode(bodies));
  await input.close();
  const { stdout } = await child.output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

const NONE = "null";

function check(
  peer: "Deno" | "Node" | "Bun",
  found: readonly (FormPart[] | null)[],
): void {
  const judged = rows.map(({ kind, body, ours }, i) => ({
    kind,
    sent: body,
    ours: JSON.stringify(ours),
    theirs: JSON.stringify(found[i]),
  }));
  const isNone = (outcome: string) => outcome === NONE;
  assertEquals(unnamed(judged, peer, formDifferences, isNone), []);
}

Deno.test("LoadedForm makes of the world's forms what each row says", async () => {
  assert(rows.length >= 80, `${rows.length} rows`);
  for (const { body, ours } of rows) {
    assertEquals(await byUs(body), ours, JSON.stringify(body));
  }
  const kinds = new Set(rows.map(({ kind }) => kind));
  for (const kind of Object.keys(formDifferences)) {
    assert(kinds.has(kind), kind);
  }
});

Deno.test("LoadedForm and Deno's FormData differ where it is said, and why", async () => {
  check("Deno", await Promise.all(rows.map(({ body }) => byDeno(body))));
});

for (const [peer, name] of [["Node", "node"], ["Bun", "bun"]] as const) {
  Deno.test({
    ...wanting(
      `LoadedForm and FormData of ${peer} differ where it is said, and why`,
      name,
    ),
    fn: async () => check(peer, await byProgram(name)),
  });
}
