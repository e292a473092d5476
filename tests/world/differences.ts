import type { Difference } from "./response_differences.ts";

/** A row of which two outcomes are known. */
export interface Judged {
  kind: string;
  /** What was sent, to be shown. */
  sent: string;
  ours: string;
  theirs: string;
}

/**
 * The rows of which a peer makes something else, though nobody has named that.
 *
 * @param isRefusal Whether an outcome is that there is none.
 */
export function unnamed<T extends string>(
  rows: readonly Judged[],
  peer: T,
  differences: Record<string, Difference<T>>,
  isRefusal: (outcome: string) => boolean,
): unknown[] {
  return rows.flatMap(({ kind, sent, ours, theirs }) => {
    if (theirs === ours || isRefusal(theirs) && isRefusal(ours)) return [];
    const way = isRefusal(ours)
      ? "reads"
      : isRefusal(theirs)
      ? "refuses"
      : "otherwise";
    const named = differences[kind]?.[way]?.includes(peer) ?? false;
    return named ? [] : [{ kind, way, sent: sent.slice(0, 200), ours, theirs }];
  });
}
