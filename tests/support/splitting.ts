/**
 * What would split a head, or end it, if it became a part of it. All of them
 * hold a word that has no business in one.
 */
export const SPLITTING: readonly string[] = [
  "a\rx-evil: 1",
  "a\nx-evil: 1",
  "a\0x-evil: 1",
  "a\r\nx-evil: 1",
  "a\r\n\r\nx-evil: 1",
];

/**
 * Values that are no strings, and look harmless, until they are put into a text
 * for the first, second or third time.
 */
export function turncoats(evil: string): string[] {
  return [0, 1, 2].map((times) => turncoat(evil, times));
}

function turncoat(evil: string, times: number): string {
  let count = 0;
  return {
    length: 0,
    toString: () => count++ < times ? "x" : evil,
    toLowerCase: () => "x",
    toWellFormed: () => "x",
    split: () => ["x"],
  } as unknown as string;
}

/** A getter that says something harmless when it is first asked. */
export function changing(evil: string, harmless = "a/b"): () => string {
  let count = 0;
  return () => count++ === 0 ? harmless : evil;
}

/** A `File` whose type, name or size is of somebody's own. */
export function ownFile(own: {
  type?: () => string;
  name?: () => string;
  size?: () => number;
}): File {
  class OwnFile extends File {
    override get type(): string {
      return own.type?.() ?? super.type;
    }
    override get name(): string {
      return own.name?.() ?? super.name;
    }
    override get size(): number {
      return own.size?.() ?? super.size;
    }
  }
  return new OwnFile(["x"], "f", { type: "a/b" });
}

/** Whether something of a caller's got out of its place in a head. */
export function isSplit(head: string): boolean {
  const lines = head.split("\r\n");
  return /[\r\n\0]/.test(lines.join("")) ||
    lines.some((line) => line.startsWith("x-evil"));
}
