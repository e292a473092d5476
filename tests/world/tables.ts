import { REFUSED, type WorldRow } from "./response_rows.ts";
import type { Difference } from "./response_differences.ts";

/** A table of docs/what-is-read.md: what we and others make of each kind. */
export function differenceTable(
  rows: readonly Pick<WorldRow, "kind" | "ours">[],
  differences: Record<string, Difference<string>>,
  peers: readonly string[],
): string[][] {
  return Object.entries(differences).map(([kind, difference]) => {
    const own = rows.filter((row) => row.kind === kind);
    const refused = own.filter(({ ours }) => ours === REFUSED).length;
    const ours = refused === 0 ? "read" : "refused";
    return [
      kind,
      ours,
      ...peers.map((peer) => theirsOf(difference, peer, ours)),
      difference.why,
    ];
  });
}

function theirsOf(
  { reads = [], refuses = [], otherwise = [] }: Difference<string>,
  peer: string,
  ours: string,
): string {
  if (otherwise.includes(peer)) return "otherwise";
  if (refuses.includes(peer)) return "refused";
  return reads.includes(peer) ? "read" : ours;
}

/** The cells of the table behind a heading of a page. */
export function tableOf(page: string, heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1].split("\n## ")[0];
  return section.split("\n").filter((line) => line.startsWith("| ")).slice(2)
    .map((line) =>
      line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
    );
}
