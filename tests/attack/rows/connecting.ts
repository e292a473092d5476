// Before there is a request: connections, and handshakes of TLS.
import { pause } from "../peer.ts";
import type { Attack } from "../scene.ts";

/** The first half of a ClientHello. */
const HALF_HELLO = new Uint8Array([
  ...[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3],
  ...new Uint8Array(100).fill(7),
]);
const GARBAGE = new Uint8Array(16_384).map((_, i) => (i * 31 + 22) & 255);

/** While all are new, nobody can tell who is the slowest. */
const CROWDED = { wait: 3000 };

export const CONNECTING: Attack[] = [
  {
    name: "silent connections from one address",
    phase: "connect",
    server: "few",
    bounds: CROWDED,
    play: (scene) => scene.crowd(scene.times(80), () => scene.over),
  },
  {
    name: "silent connections from many addresses",
    phase: "connect",
    server: "few",
    bounds: CROWDED,
    play: (scene) => scene.army(scene.times(80), () => scene.over),
  },
  {
    name: "connections that are closed at once",
    phase: "connect",
    async play(scene) {
      while (scene.isOn) {
        const all = Array.from({ length: 16 }, (_, i) => scene.plain(i));
        for (const peer of await Promise.all(all)) peer?.close();
        await scene.breath();
      }
    },
  },
  {
    // Before they are accepted, as far as that can be brought about.
    name: "connections that are reset at once",
    phase: "connect",
    async play(scene) {
      while (scene.isOn) {
        const all = Array.from(
          { length: 16 },
          async (_, i) => (await scene.plain(i))?.reset(),
        );
        await Promise.all(all);
        await scene.breath();
      }
    },
  },
  {
    name: "silent handshakes",
    phase: "tls",
    ways: ["tls", "guarded"],
    async play(scene) {
      for (let i = 0; i < scene.times(40); i++) await scene.plain(i);
    },
  },
  {
    // Deno's own TLS lets nobody in while they stay; then it has to go on.
    name: "silent handshakes at all places, one more, and all leave",
    phase: "tls",
    ways: ["tls", "guarded"],
    server: "few",
    isLong: true,
    bounds: { wait: 20_000 },
    async play(scene) {
      const all = await Promise.all(
        Array.from({ length: 66 }, (_, i) => scene.plain(i)),
      );
      await pause(6000);
      for (const peer of all) peer?.close();
      const began = performance.now();
      const peer = await scene.connect(200);
      await peer?.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      const answer = await peer?.until("hello");
      scene.expect(!!answer, "Nobody is served once they have left");
      const took = Math.round(performance.now() - began);
      scene.notes.push(`Served ${took} ms after they have left`);
    },
  },
  {
    name: "half a ClientHello",
    phase: "tls",
    ways: ["tls", "guarded"],
    async play(scene) {
      for (let i = 0; i < scene.times(40); i++) {
        await (await scene.plain(i))?.send(HALF_HELLO);
      }
    },
  },
  {
    name: "garbage in place of a handshake",
    phase: "tls",
    ways: ["tls", "guarded"],
    async play(scene) {
      while (scene.isOn) {
        const peer = await scene.plain();
        await peer?.send(GARBAGE);
        await scene.breath();
        peer?.close();
      }
    },
  },
  {
    name: "handshakes that are given up",
    phase: "tls",
    ways: ["tls", "guarded"],
    async play(scene) {
      while (scene.isOn) {
        const peer = await scene.plain();
        await peer?.send(HALF_HELLO);
        peer?.close();
        await scene.breath();
      }
    },
  },
  {
    name: "handshakes, and then silence",
    phase: "tls",
    ways: ["tls", "guarded"],
    server: "few",
    bounds: CROWDED,
    play: (scene) => scene.army(scene.times(70), () => scene.over),
  },
];
