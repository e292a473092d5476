import { COLON, HEX, PERCENT, REG_NAME } from "./chars.ts";

/** Whether a string is an IPv4 address in dotted decimal, without zeros in front. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  if (parts.length !== 4) return false;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return false;
  }
  return true;
}

/** Whether a string is an IPv6 address (RFC 4291 section 2.2), without zone and brackets. */
export function isIpv6(text: string): boolean {
  return parseIpv6(text) !== null;
}

/** The eight groups of an IPv6 address, or null where it is none. */
export function parseIpv6(text: string): number[] | null {
  if (text.length < 2 || text.length > 45) return null;
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groups(halves[0], halves.length === 1);
  if (head === null) return null;
  if (halves.length === 1) return head.length === 8 ? head : null;
  const tail = groups(halves[1], true);
  if (tail === null || head.length + tail.length > 7) return null;
  return [
    ...head,
    ...new Array(8 - head.length - tail.length).fill(0),
    ...tail,
  ];
}

function groups(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === "") return [];
  const out: number[] = [];
  const parts = text.split(":");
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) out.push(parseInt(part, 16));
    else if (mayEndInIpv4 && i === parts.length - 1 && isIpv4(part)) {
      const [a, b, c, d] = part.split(".").map(Number);
      out.push(a << 8 | b, c << 8 | d);
    } else return null;
  }
  return out;
}

/**
 * Whether bytes are `uri-host [ ":" port ]` (RFC 9110 section 7.2), one host
 * with no user, path or list. Nothing at all is a valid (empty) host.
 */
export function isHost(
  buffer: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (start === end) return true;
  let pos = start;
  if (buffer[pos] === 0x5b) {
    const close = buffer.indexOf(0x5d, pos);
    if (close < 0 || close >= end) return false;
    let address = "";
    for (let i = pos + 1; i < close; i++) {
      address += String.fromCharCode(buffer[i]);
    }
    if (!isIpv6(address) && !isIpvFuture(address)) return false;
    pos = close + 1;
  } else {
    for (; pos < end && buffer[pos] !== COLON; pos++) {
      if (REG_NAME[buffer[pos]] === 1) continue;
      if (buffer[pos] !== PERCENT || pos + 2 >= end) return false;
      if (HEX[buffer[pos + 1]] > 15 || HEX[buffer[pos + 2]] > 15) return false;
      pos += 2;
    }
    if (pos === start) return false;
  }
  if (pos === end) return true;
  if (buffer[pos++] !== COLON) return false;
  let port = 0;
  for (; pos < end; pos++) {
    const digit = buffer[pos] - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 65535) return false;
  }
  return true;
}

function isIpvFuture(text: string): boolean {
  return /^v[0-9a-f]+\.[-\w.~!$&'()*+;=:]+$/i.test(text);
}
