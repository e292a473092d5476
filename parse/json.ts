import { ProtocolError } from "./errors.ts";

/**
 * How deep JSON that arrives may be nested, where nothing else is said. What
 * people send is less than 100 deep, syntax trees some hundred; what walks
 * through a value by calling itself, as `JSON.stringify()` does, comes to its
 * end at some thousand. A text of 1 KiB cannot be deeper, and costs nothing.
 */
export const MAX_JSON_DEPTH = 512;

/**
 * Reads JSON that a peer has sent; a byte order mark before it is passed over,
 * as RFC 8259 section 8.1 allows.
 *
 * @param maxDepth How many arrays and objects may lie within one another.
 * @throws {ProtocolError} If it is not JSON, or nested deeper.
 */
export function parseJson(text: string, maxDepth: number): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    throw new ProtocolError("bad-json");
  }
  if (mayBeDeeper(text, maxDepth) && isDeeper(value, maxDepth)) {
    throw new ProtocolError("json-too-deep");
  }
  return value;
}

/**
 * Whether a text has brackets enough, wherever they stand: most have not, and
 * that is quickly found out.
 */
function mayBeDeeper(text: string, depth: number): boolean {
  if (text.length < 2 * (depth + 1)) return false;
  let count = 0;
  for (const bracket of ["[", "{"]) {
    for (let at = -1; (at = text.indexOf(bracket, at + 1)) >= 0;) {
      if (++count > depth) return true;
    }
  }
  return false;
}

/** Looks at a value layer by layer: to call itself could be too deep here. */
function isDeeper(value: unknown, depth: number): boolean {
  let layer: object[] = [];
  add(layer, value);
  for (let left = depth; layer.length > 0; left--) {
    if (left === 0) return true;
    const below: object[] = [];
    for (const one of layer) {
      if (Array.isArray(one)) { for (const part of one) add(below, part); }
      else addAll(below, one as Record<string, unknown>);
    }
    layer = below;
  }
  return false;
}

function addAll(layer: object[], object: Record<string, unknown>): void {
  // deno-lint-ignore guard-for-in -- it was parsed, and a list of keys is dear
  for (const key in object) add(layer, object[key]);
}

function add(layer: object[], value: unknown): void {
  if (typeof value === "object" && value !== null) layer.push(value);
}

/**
 * JSON text of a value.
 *
 * @throws {TypeError} If it has none, or none that says what it is: the message
 * says why, and what to do.
 */
export function encodeJson(data: unknown): string {
  if (typeof data === "object" && data !== null) checkKind(data);
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    throw new TypeError(`Cannot send as JSON what ${problem(error)}`, {
      cause: error,
    });
  }
  if (text === undefined) {
    const what = data === undefined ? "undefined" : `a ${typeof data}`;
    throw new TypeError(`Cannot send ${what} as JSON`);
  }
  if (text === "{}") checkEmpty(data as object);
  // What is no data goes as an object without values.
  else if (text.includes("{}")) checkParts(data as object);
  return text;
}

/** What is wrong with a value that could not be written. */
function problem(error: unknown): string {
  if (!(error instanceof Error)) return "throws when it is read";
  const { message } = error;
  if (/^Converting circular/.test(message)) return "holds itself";
  if (/BigInt/.test(message)) return "holds a BigInt";
  if (/call stack/.test(message)) return "is nested too deeply";
  if (/string length/.test(message)) return "is too long";
  return `throws when it is read: ${message}`;
}

/** What is no data for JSON, and what may be done about it. */
const NO_DATA: ReadonlyMap<string, string> = new Map([
  ["Response", "answer with it by respondWith()"],
  ["Request", "send what it holds"],
  ["Promise", "wait for what it brings, and send that"],
  ["AsyncFunction", "call it, and send what that brings"],
  ["Map", "make an object of it, by Object.fromEntries()"],
  ["Set", "make an array of it"],
  ["WeakMap", "nobody can see what it holds"],
  ["WeakSet", "nobody can see what it holds"],
  ["Error", "send its message"],
  ["RegExp", "send its source"],
  ["FormData", "send it by itself"],
  ["URLSearchParams", "send it by itself, or as text"],
  ["Headers", "make an object of it, by Object.fromEntries()"],
]);

/**
 * Such values would go out as `{}` or not whole, which nobody means.
 *
 * @param name Under which another value holds it.
 * @throws {TypeError} If a value is none of those that JSON has a form for.
 */
function checkKind(data: object, name?: string): void {
  const prototype = Object.getPrototypeOf(data);
  if (
    prototype === Object.prototype || prototype === Array.prototype ||
    prototype === null || "toJSON" in data
  ) return;
  const kind = data instanceof Error ? "Error" : kindOf(data);
  const advice = NO_DATA.get(kind);
  if (advice === undefined) return;
  const article = /^[AEIOU]/.test(kind) ? "an" : "a";
  const where = name === undefined ? "" : ` (${JSON.stringify(name)})`;
  throw new TypeError(
    `Cannot send ${article} ${kind}${where} as JSON: ${advice}`,
  );
}

/** The same for all that a value holds, whatever has a form of its own aside. */
function checkParts(data: object): void {
  const rest = [data];
  for (let one; (one = rest.pop()) !== undefined;) {
    for (const [name, part] of Object.entries(one)) {
      if (typeof part !== "object" || part === null) continue;
      checkKind(part, name);
      if (!("toJSON" in part) && !ArrayBuffer.isView(part)) rest.push(part);
    }
  }
}

/** @throws {TypeError} If a value is of a kind that has nothing to show. */
function checkEmpty(data: object): void {
  const kind = kindOf(data);
  if (kind !== "Object" && !("toJSON" in data)) {
    throw new TypeError(`Cannot send a ${kind} as JSON: it would be empty`);
  }
}

function kindOf(data: object): string {
  return Object.prototype.toString.call(data).slice(8, -1);
}
