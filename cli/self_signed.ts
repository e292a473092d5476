import { isIpv4, isIpv6 } from "../parse/host.ts";

// A certificate as RFC 5280 has it, in DER (X.690): each value is its type, its
// length, and what is in it.

/** For how long it is valid, in days. */
const DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;

const ECDSA_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
const KEY_USAGE = "2.5.29.15";
const ALT_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const EXT_KEY_USAGE = "2.5.29.37";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

const encoder = new TextEncoder();

type Bytes = Uint8Array<ArrayBuffer>;

function der(type: number, ...parts: Uint8Array[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = length < 128
    ? [type, length]
    : length < 256
    ? [type, 0x81, length]
    : [type, 0x82, length >> 8, length & 255];
  const whole = new Uint8Array(head.length + length);
  whole.set(head);
  let at = head.length;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const set = (...parts: Uint8Array[]) => der(0x31, ...parts);
const octets = (bytes: Uint8Array) => der(0x04, bytes);
const bits = (bytes: Uint8Array, unused = 0) =>
  der(0x03, Uint8Array.of(unused), bytes);
const yes = der(0x01, Uint8Array.of(0xff));

/** A number of so many bytes that is not negative. */
function integer(bytes: Uint8Array): Bytes {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  const rest = bytes.subarray(at);
  return rest[0] & 0x80 ? der(0x02, Uint8Array.of(0), rest) : der(0x02, rest);
}

function oid(text: string): Bytes {
  const [first, second, ...others] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const number of others) {
    const groups = [number & 127];
    for (let rest = number >> 7; rest > 0; rest >>= 7) {
      groups.unshift(rest & 127 | 128);
    }
    bytes.push(...groups);
  }
  return der(0x06, Uint8Array.from(bytes));
}

/** A time; from 2050 on, the year has four digits. */
function time(date: Date): Bytes {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return date.getUTCFullYear() < 2050
    ? der(0x17, encoder.encode(text.slice(2)))
    : der(0x18, encoder.encode(text));
}

function extension(id: string, value: Uint8Array, isCritical = false): Bytes {
  return isCritical
    ? sequence(oid(id), yes, octets(value))
    : sequence(oid(id), octets(value));
}

/** A name, or an address, that the certificate is for. */
function altName(name: string): Bytes {
  if (isIpv4(name)) return der(0x87, Uint8Array.from(name.split("."), Number));
  if (isIpv6(name)) return der(0x87, ipv6Bytes(name));
  return der(0x82, encoder.encode(name));
}

function ipv6Bytes(address: string): Bytes {
  // The URL parser writes it in hexadecimal groups alone.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [front, back] = text.split("::");
  const groups = (part: string | undefined) =>
    part ? part.split(":").map((group) => parseInt(group, 16)) : [];
  const [left, right] = [groups(front), groups(back)];
  const zeros = Array(8 - left.length - right.length).fill(0);
  const all = [...left, ...zeros, ...right];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]));
}

function pem(kind: string, bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  const lines = text.match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN ${kind}-----\n${lines}\n-----END ${kind}-----\n`;
}

/** A certificate of nobody's, its key, and its SHA-256 to know it by. */
export interface SelfSigned {
  cert: string;
  key: string;
  fingerprint: string;
}

/**
 * Makes a certificate that nobody else has signed, for these names and
 * addresses.
 */
export async function selfSigned(
  names: readonly string[],
  now: number = Date.now(),
): Promise<SelfSigned> {
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(curve, true, [
    "sign",
    "verify",
  ]);
  const { publicKey, privateKey } = pair;
  const spki = new Uint8Array(
    await crypto.subtle.exportKey("spki", publicKey),
  );
  const algorithm = sequence(oid(ECDSA_SHA256));
  const name = sequence(
    set(sequence(oid(COMMON_NAME), der(0x0c, encoder.encode("uhttp serve")))),
  );
  const serial = crypto.getRandomValues(new Uint8Array(16));
  serial[0] = serial[0] & 0x3f | 0x40; // neither negative nor zero
  const extensions = sequence(
    extension(BASIC_CONSTRAINTS, sequence(), true),
    extension(KEY_USAGE, bits(Uint8Array.of(0x80), 7), true),
    extension(EXT_KEY_USAGE, sequence(oid(SERVER_AUTH))),
    extension(ALT_NAME, sequence(...[...new Set(names)].map(altName))),
  );
  const toSign = sequence(
    der(0xa0, integer(Uint8Array.of(2))), // version 3
    integer(serial),
    algorithm,
    name,
    // Clocks are not all right.
    sequence(time(new Date(now - DAY)), time(new Date(now + DAYS * DAY))),
    name,
    spki,
    der(0xa3, extensions),
  );
  const signature = new Uint8Array(
    await crypto.subtle.sign(
      { name: "ECDSA", hash: "SHA-256" },
      privateKey,
      toSign,
    ),
  );
  const numbers = sequence(
    integer(signature.subarray(0, 32)),
    integer(signature.subarray(32)),
  );
  const certificate = sequence(toSign, algorithm, bits(numbers));
  const hash = await crypto.subtle.digest("SHA-256", certificate);
  const hex = Array.from(
    new Uint8Array(hash),
    (byte) => byte.toString(16).padStart(2, "0").toUpperCase(),
  );
  const key = await crypto.subtle.exportKey("pkcs8", privateKey);
  return {
    cert: pem("CERTIFICATE", certificate),
    key: pem("PRIVATE KEY", new Uint8Array(key)),
    fingerprint: hex.join(":"),
  };
}
