import { AssertionError, assertThrows } from "@std/assert";
import { assertComparable, assertLinear } from "./cost.ts";

/** Steps that nothing makes superfluous. */
function steps(count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum = sum * 31 + i | 0;
  return sum;
}

// Compiled by now, so that what is small is not the dearer for that.
for (let i = 0; i < 4; i++) steps(1 << 20);

Deno.test("assertLinear() takes work that grows with the size", () => {
  assertLinear("none", 1 << 17, () => () => {});
  assertLinear("linear", 1 << 17, (size) => () => steps(size * 100));
});

Deno.test("assertLinear() refuses work that grows with its square", () => {
  assertThrows(
    () => assertLinear("square", 3 << 12, (size) => () => steps(size * size)),
    AssertionError,
  );
});

Deno.test("assertComparable() takes what is dearer, and refuses what is much dearer", () => {
  const usual = () => steps(1 << 21);
  assertComparable("dearer", usual, () => steps(1 << 23));
  assertThrows(
    () => assertComparable("much dearer", usual, () => steps(1 << 27)),
    AssertionError,
  );
});
