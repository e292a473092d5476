/** What the encoders take, as bytes. @module */

const encoder = new TextEncoder();

/** The bytes of the input, not copied unless they come from a string. */
export function toBytes(data: string | Uint8Array | ArrayBuffer): Uint8Array {
  if (typeof data === "string") return encoder.encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (data instanceof Uint8Array) return data;
  throw new TypeError(
    "Cannot validate the input as it must be a Uint8Array, a string, or an ArrayBuffer",
  );
}
