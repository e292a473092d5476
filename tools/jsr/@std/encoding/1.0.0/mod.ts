/**
 * A stand-in for `@std/encoding`, with what is used of it here.
 *
 * @module
 */

export * from "./base64.ts";
export * from "./base64url.ts";
export * from "./hex.ts";
