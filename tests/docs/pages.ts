import { fromFileUrl, join } from "@std/path";

export const ROOT: string = fromFileUrl(new URL("../../", import.meta.url));

/** README.md and the pages of docs/, as paths from the top. */
export const PAGES: readonly string[] = [
  "README.md",
  ...[...Deno.readDirSync(join(ROOT, "docs"))]
    .map(({ name }) => `docs/${name}`)
    .filter((path) => path.endsWith(".md"))
    .sort(),
];

export function readPage(page: string): string {
  return Deno.readTextFileSync(join(ROOT, page));
}

/** A page without what stands between fences. */
export function readProse(page: string): string {
  return readPage(page).replaceAll(/^ *```[^]*?^ *```$/gm, "");
}
