/** The deep comparison behind `assertEquals`. @module */

import { Buffer } from "node:buffer";

/** Values that are what they print as, and have no properties to compare. */
const COMPARED_AS_STRINGS: unknown[] = [
  Intl.Locale.prototype,
  RegExp.prototype,
  URL.prototype,
  URLSearchParams.prototype,
];

/** Whether two values are deeply equal: `0` is `-0`, and `NaN` is `NaN`. */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

/** `pairs` holds what is being compared already, so that cycles end. */
function compare(
  a: unknown,
  b: unknown,
  pairs: Map<object, object>,
): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (a === null || b === null) return false;
  if (a instanceof Date && b instanceof Date) {
    return Object.is(a.getTime(), b.getTime());
  }
  if (kind(a) !== kind(b)) return false;

  if (ArrayBuffer.isView(a) && !(a instanceof DataView)) {
    return sameItems(a as Uint8Array, b as Uint8Array);
  }
  if (a instanceof ArrayBuffer || a instanceof SharedArrayBuffer) {
    return sameItems(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  }
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError("Cannot compare WeakMap or WeakSet instances");
  }
  if (a instanceof WeakRef) {
    return compare(a.deref(), (b as WeakRef<object>).deref(), pairs);
  }

  if (pairs.get(a) === b) return true;
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  pairs.set(a, b);

  if (a instanceof Set) return sameEntries(a, b as Set<unknown>, pairs);
  if (a instanceof Map) {
    return sameEntries(a, b as Map<unknown, unknown>, pairs);
  }
  if (COMPARED_AS_STRINGS.includes(kind(a))) return String(a) === String(b);

  const left = a as Record<PropertyKey, unknown>;
  const right = b as Record<PropertyKey, unknown>;
  if (isPlain(a) && isPlain(b)) {
    // As many keys on both sides, so that those of one are those of both.
    for (const key of Object.keys(left)) {
      if (!Object.hasOwn(right, key)) return false;
      if (!compare(left[key], right[key], pairs)) return false;
    }
    return true;
  }
  for (const key of propertiesOf(a).union(propertiesOf(b))) {
    if (key in left !== key in right) return false;
    if (!compare(left[key], right[key], pairs)) return false;
  }
  return true;
}

/** The prototype; an object without one counts as a plain object. */
function kind(value: object): unknown {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

/** Whether an object has nothing but what its own names say. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return (prototype === null || prototype === Object.prototype ||
    prototype === Array.prototype) &&
    Object.getOwnPropertySymbols(value).length === 0;
}

/** What can be seen of plain objects and arrays, and everything of others. */
function propertiesOf(value: object): Set<PropertyKey> {
  const plain = [Object.prototype, Array.prototype];
  if (plain.includes(kind(value) as never)) {
    return new Set(Reflect.ownKeys({ ...value }));
  }
  const keys = new Set<PropertyKey>();
  for (
    let at = value;
    at !== null && !plain.includes(at as never);
    at = Object.getPrototypeOf(at)
  ) {
    for (const key of Reflect.ownKeys(at)) keys.add(key);
  }
  return keys;
}

/** Compares the items of two typed arrays. */
function sameItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  // A call for each of megabytes would take most of a test's time.
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return Buffer.compare(a, b) === 0;
  }
  for (let i = 0; i < a.length; i++) {
    if (!Object.is(a[i], b[i]) && a[i] !== b[i]) return false;
  }
  return true;
}

/** Compares two sets or two maps, in any order; keys may be objects. */
function sameEntries(
  a: Set<unknown> | Map<unknown, unknown>,
  b: Set<unknown> | Map<unknown, unknown>,
  pairs: Map<object, object>,
): boolean {
  if (a.size !== b.size) return false;
  const entries = [...b.entries()];
  for (const entry of a.entries()) {
    if (!entries.some((other) => compare(entry, other, pairs))) return false;
  }
  return true;
}
