import { PAGES, readPage } from "./pages.ts";

/** A block of code on a page. */
export interface Block {
  /** Page and heading, and a number from the second under a heading on. */
  name: string;
  /** What stands behind the fence, such as `ts`. */
  kind: string;
  code: string;
}

/** The blocks of README and docs that are of one of these kinds. */
export function readBlocks(...kinds: string[]): Block[] {
  return PAGES.flatMap((page) => [...blocksOf(page)])
    .filter(({ kind }) => kinds.includes(kind));
}

function* blocksOf(page: string): Generator<Block> {
  let heading = "";
  let fence: { kind: string; from: number } | null = null;
  const lines = readPage(page).split("\n");
  const counts = new Map<string, number>();
  for (const [i, line] of lines.entries()) {
    const [, kind] = /^```(.*)$/.exec(line) ?? [];
    if (kind === undefined) {
      if (fence === null) heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
    } else if (fence === null) fence = { kind, from: i + 1 };
    else {
      const place = `${page}, ${heading}`;
      const key = `${place}\0${fence.kind}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      yield {
        name: count === 1 ? place : `${place} ${count}`,
        kind: fence.kind,
        code: lines.slice(fence.from, i).join("\n"),
      };
      fence = null;
    }
  }
}
