/**
 * A dictionary without a prototype: `__proto__` is a key like any other.
 *
 * Setting the prototype of a fresh literal keeps V8's fast property layout,
 * which `Object.create(null)` does not.
 */
export function dict<T>(): Record<string, T> {
  return Object.setPrototypeOf({}, null);
}
