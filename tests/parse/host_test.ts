import { assertEquals } from "@std/assert";
import { isHost, isIpv4, isIpv6, parseIpv6 } from "../../parse/host.ts";
import { latin1Bytes } from "../support/bytes.ts";

const IPV4: Record<string, boolean> = {
  "0.0.0.0": true,
  "127.0.0.1": true,
  "255.255.255.255": true,
  "": false,
  "1.2.3": false,
  "1.2.3.4.": false,
  "1.2.3.4.5": false,
  "256.0.0.1": false,
  "1.2.3.1000": false,
  "01.2.3.4": false,
  "1.2.3.00": false,
  "1.2.3.": false,
  ".1.2.3": false,
  "1.2.3.+4": false,
  "1.2.3.-4": false,
  "1.2.3. 4": false,
  "1.2.3.4\n": false,
  "0x1.2.3.4": false,
  "1.2.3.4e0": false,
  "1.2.3.\u0664": false,
};

for (const [text, expected] of Object.entries(IPV4)) {
  Deno.test(`isIpv4() says ${expected} to ${JSON.stringify(text)}`, () => {
    assertEquals(isIpv4(text), expected);
  });
}

const IPV6: Record<string, string | null> = {
  "::": "0:0:0:0:0:0:0:0",
  "::1": "0:0:0:0:0:0:0:1",
  "1::": "1:0:0:0:0:0:0:0",
  "1:2:3:4:5:6:7:8": "1:2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7::": "1:2:3:4:5:6:7:0",
  "::2:3:4:5:6:7:8": "0:2:3:4:5:6:7:8",
  "1::8": "1:0:0:0:0:0:0:8",
  "FE80::aBcD": "fe80:0:0:0:0:0:0:abcd",
  "0001:02::": "1:2:0:0:0:0:0:0",
  "::1.2.3.4": "0:0:0:0:0:0:102:304",
  "::ffff:255.255.255.255": "0:0:0:0:0:ffff:ffff:ffff",
  "1:2:3:4:5:6:1.2.3.4": "1:2:3:4:5:6:102:304",
  "0000:0000:0000:0000:0000:ffff:255.255.255.255": "0:0:0:0:0:ffff:ffff:ffff",
  "": null,
  ":": null,
  ":::": null,
  "1": null,
  "1:2:3:4:5:6:7": null,
  "1:2:3:4:5:6:7:8:9": null,
  "1:2:3:4::5:6:7:8": null,
  "1::2::3": null,
  ":1:2:3:4:5:6:7": null,
  "1:2:3:4:5:6:7:": null,
  ":1::": null,
  "1:::2": null,
  "12345::": null,
  "g::": null,
  "::g": null,
  "-1::": null,
  " ::1": null,
  "::1 ": null,
  "::1\n": null,
  "[::1]": null,
  "::1%eth0": null,
  "fe80::1%25eth0": null,
  "1.2.3.4": null,
  "1.2.3.4::": null,
  "::1.2.3.4:5": null,
  "1:2:3:4:5:6:7:1.2.3.4": null,
  "::1.2.3": null,
  "::256.2.3.4": null,
  "::01.2.3.4": null,
};

for (const [text, expected] of Object.entries(IPV6)) {
  Deno.test(`parseIpv6() reads ${JSON.stringify(text)} as ${expected}`, () => {
    const groups = parseIpv6(text);
    const shown = groups?.map((group) => group.toString(16)).join(":");
    assertEquals(shown ?? null, expected);
    assertEquals(isIpv6(text), expected !== null);
  });
}

// The rows of requests try many more, through the Host field.
const HOSTS: Record<string, boolean> = {
  "": true,
  "a": true,
  "a:80": true,
  "[::1]:80": true,
  "[v7.x:y]": true,
  ":80": false,
  "a,b": false,
  "[::1": false,
  "[::1]x": false,
  "[v.x]": false,
  "[vx.x]": false,
  "a%2": false,
};

for (const [text, expected] of Object.entries(HOSTS)) {
  Deno.test(`isHost() says ${expected} to ${JSON.stringify(text)} and no more bytes`, () => {
    for (const around of ["", "]", "]:", ":1", "%41", "[", "a"]) {
      const bytes = latin1Bytes(around + text + around);
      const start = around.length;
      assertEquals(isHost(bytes, start, start + text.length), expected, around);
    }
  });
}
