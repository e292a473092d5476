import { assertEquals, assertThrows } from "@std/assert";
import { plainAddress, TrustedProxies } from "../../server/proxies.ts";
import { Scene } from "../support/serving.ts";

const MEMBERS: [entries: string[], address: string, isTrusted: boolean][] = [
  [[], "127.0.0.1", false],
  [["127.0.0.1"], "127.0.0.1", true],
  [["10.0.0.1"], "110.0.0.1", false],
  [["10.0.0.0/8"], "10.255.255.255", true],
  [["10.0.0.0/8"], "11.0.0.0", false],
  [["10.1.2.3/8"], "10.9.9.9", true],
  [["0.0.0.0/0"], "8.8.8.8", true],
  [["0.0.0.0/0"], "::1", false],
  [["::/0"], "::1", true],
  [["::1"], "0:0:0:0:0:0:0:1", true],
  [["2001:db8::/32"], "2001:db8:ffff::1", true],
  [["2001:db8::/32"], "2001:db9::1", false],
  [["::ffff:10.0.0.1"], "10.0.0.1", true],
  [["unix"], "unix", true],
  [["10.0.0.1"], "unix", false],
  [["10.0.0.1"], "nonsense", false],
];

for (const [entries, address, isTrusted] of MEMBERS) {
  Deno.test(`TrustedProxies [${entries}] ${isTrusted ? "has" : "has not"} ${address}`, () => {
    assertEquals(new TrustedProxies(entries).has(address), isTrusted);
  });
}

Deno.test("TrustedProxies refuses what is no address or network", () => {
  for (
    const entry of [
      "",
      "a",
      "10.0.0",
      "10.0.0.1/33",
      "::/129",
      "1.2.3.4/",
      "::1%eth0",
      "010.0.0.1",
    ]
  ) {
    assertThrows(
      () => new TrustedProxies([entry]),
      TypeError,
      "trustedProxies",
    );
  }
});

Deno.test("plainAddress() shows IPv4-mapped addresses as IPv4", () => {
  assertEquals(plainAddress("::ffff:127.0.0.1"), "127.0.0.1");
  assertEquals(plainAddress("::FFFF:7f00:1"), "127.0.0.1");
  assertEquals(plainAddress("::1"), "::1");
  assertEquals(plainAddress("10.0.0.1"), "10.0.0.1");
});

const trusted = ["127.0.0.1", "10.0.0.0/8"];
const CHAINS: [
  trustedProxies: string[],
  forwardedFor: string | undefined,
  address: string,
  addresses: string[],
][] = [
  [[], "1.1.1.1", "127.0.0.1", ["127.0.0.1"]],
  [["9.9.9.9"], "1.1.1.1", "127.0.0.1", ["127.0.0.1"]],
  [trusted, undefined, "127.0.0.1", ["127.0.0.1"]],
  [trusted, "1.1.1.1", "1.1.1.1", ["1.1.1.1"]],
  [trusted, "6.6.6.6, 1.1.1.1, 10.2.3.4", "1.1.1.1", [
    "6.6.6.6",
    "1.1.1.1",
    "10.2.3.4",
  ]],
  [trusted, "10.0.0.1, 10.0.0.2", "127.0.0.1", ["10.0.0.1", "10.0.0.2"]],
  [trusted, "1.1.1.1:5000, [2001:db8::1]:6000", "2001:db8::1", [
    "1.1.1.1",
    "2001:db8::1",
  ]],
  [trusted, "::ffff:1.1.1.1", "1.1.1.1", ["1.1.1.1"]],
  [trusted, "1.1.1.1, <script>, 10.0.0.1", "127.0.0.1", ["10.0.0.1"]],
  [trusted, "unknown", "127.0.0.1", ["127.0.0.1"]],
  [trusted, "", "127.0.0.1", ["127.0.0.1"]],
  [trusted, ",10.0.0.1", "127.0.0.1", ["10.0.0.1"]],
  [
    trusted,
    "1.1.1.1," + "10.0.0.1,".repeat(99) + "10.0.0.2",
    "127.0.0.1",
    [...Array(99).fill("10.0.0.1"), "10.0.0.2"],
  ],
];

for (const [trustedProxies, forwardedFor, address, addresses] of CHAINS) {
  Deno.test(`remoteAddress behind [${trustedProxies}] is ${address} for ${forwardedFor?.slice(0, 60)}`, async () => {
    await using scene = new Scene(
      (client) =>
        client.respond([client.remoteAddress, client.remoteAddresses]),
      { trustedProxies },
    );
    const peer = await scene.connect();
    const field = forwardedFor === undefined
      ? ""
      : `X-Forwarded-For: ${forwardedFor}\r\n`;
    await peer.send(`GET / HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
    assertEquals(
      (await peer.response()).body,
      JSON.stringify([address, addresses]),
    );
  });
}
