// What the roads carry: the same in every runtime, and made once. Nothing here
// names a runtime's own API.

const ALPHABET = "abcdefghijklmnopqrstuvwxyz 0123456789\n";

/** Text of so many bytes, all of it ASCII, in one flat string. */
export function makeText(size: number): string {
  return Array.from(
    { length: size },
    (_, i) => ALPHABET[i % ALPHABET.length],
  ).join("");
}

/** So many bytes, of all values. */
export function makeBytes(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => i * 7);
}

/** What a value of the JSON roads is made of. */
export interface Item {
  readonly id: number;
  readonly name: string;
  readonly price: number;
  readonly tags: readonly string[];
  readonly isActive: boolean;
}

/** A list of records, as its JSON text nearly so many bytes long. */
export function makeItems(size: number): Item[] {
  const items: Item[] = [];
  for (let length = 1; length < size;) {
    const id = 100_000 + items.length;
    const item = {
      id,
      name: `Item ${id}`,
      price: id / 4,
      tags: ["alpha", "beta"],
      isActive: id % 3 === 0,
    };
    length += JSON.stringify(item).length + 1;
    items.push(item);
  }
  return items;
}

/** A part of the head of a request, by road and by how many there are. */
export function makeCookies(count: number): string {
  return Array.from({ length: count }, (_, i) => `name${i}=value-${i}`)
    .join("; ");
}

/** A query with so many names. */
export function makeQuery(count: number): string {
  return Array.from({ length: count }, (_, i) => `name${i}=value%20${i}`)
    .join("&");
}

/** Fields of a head that has as many as said: `Host` is one of them. */
export function makeFields(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count - 1 }, (_, i) => [
      `X-Field-${i}`,
      `The value of field number ${i}`,
    ]),
  );
}

/** Fields of an answer, the type of its body first. */
export function makeOwnHeaders(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from(
      { length: count },
      (_, i) =>
        i === 0
          ? ["content-type", "text/plain; charset=utf-8"]
          : [`x-field-${i}`, `value ${i}`],
    ),
  );
}

/** The road that a peer is on: `text/10240`, `stream/100/16`. */
export interface Road {
  readonly name: string;
  readonly size: number;
  /** How many pieces, events, frames, or answers to a message. */
  readonly count: number;
}

/** Reads a road from a peer's argument. */
export function parseRoad(text: string): Road {
  const [name, size = "0", count = "1"] = text.split("/");
  return { name, size: Number(size), count: Number(count) };
}
