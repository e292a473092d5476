import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { PAGES, readPage, readProse, ROOT } from "./pages.ts";

const OTHERS = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];

/** What a heading is called in a link to it, as code hosts have it. */
function anchors(page: string): string[] {
  return [...readProse(page).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
}

Deno.test("README and docs link to what is there", () => {
  for (const page of [...PAGES, ...OTHERS, "bench/README.md"]) {
    for (const [, link] of readProse(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [file, anchor] = link.split("#");
      const path = file === "" ? page : join(dirname(page), file);
      assert(Deno.lstatSync(join(ROOT, path)), `${page}: ${link}`);
      if (anchor !== undefined) {
        assert(anchors(path).includes(anchor), `${page}: ${link}`);
      }
    }
  }
});

Deno.test("README is short, and leads to each page of docs", () => {
  const readme = readPage("README.md");
  assert(readme.split("\n").length <= 301);
  for (const page of PAGES.slice(1)) {
    assert(readme.includes(`(${page})`), page);
  }
});

Deno.test("docs list every example", () => {
  const listed = readPage("docs/examples.md");
  for (const { name } of Deno.readDirSync(join(ROOT, "examples"))) {
    const isListed = listed.includes(`[\`${name}\`](../examples/${name})`);
    assert(isListed || !name.endsWith(".ts"), name);
  }
});

Deno.test("CHANGELOG begins with the version that deno.json has", () => {
  const { version } = JSON.parse(readPage("deno.json"));
  const [, first] = /^## (\S+)/m.exec(readPage("CHANGELOG.md")) ?? [];
  assertEquals(first, version);
});

Deno.test("deno.json publishes README and docs", () => {
  const { publish } = JSON.parse(readPage("deno.json"));
  assertEquals(
    ["README.md", "docs/", ...OTHERS].filter((name) =>
      !publish.include.includes(name)
    ),
    [],
  );
});
