// Frames as servers send them.

/** A frame of up to 64 KiB that is not masked. */
export function frame(first: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const head = length < 126 ? [length] : [126, length >> 8, length & 255];
  const all = new Uint8Array(1 + head.length + length);
  all.set([first, ...head]);
  all.set(payload, 1 + head.length);
  return all;
}

/** One without payload. */
export function unmasked(first: number): Uint8Array {
  return frame(first, new Uint8Array(0));
}

/** What answers the key of a handshake. */
export async function acceptKey(key: string): Promise<string> {
  const text = `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const hash = await crypto.subtle.digest(
    "SHA-1",
    new TextEncoder().encode(text),
  );
  return btoa(String.fromCharCode(...new Uint8Array(hash)));
}
