// What goes on behind the last answer, and at the end of a server.
import { pause } from "../peer.ts";
import type { Attack } from "../scene.ts";

const UPLOAD = "POST /refuse HTTP/1.1\r\nHost: a\r\n" +
  "Content-Length: 60000000\r\n\r\n";
const TOO_LARGE = UPLOAD.replace("/refuse", "/");

export const DRAINING: Attack[] = [
  {
    name: "refused uploads that go on",
    phase: "draining",
    play: (scene) =>
      scene.army(scene.times(4), async (peer) => {
        await peer.send(TOO_LARGE);
        await scene.flood(peer, "a".repeat(65_536));
      }),
  },
  {
    name: "uploads that the application refuses and that go on",
    phase: "draining",
    server: "streaming",
    play: (scene) =>
      scene.army(scene.times(4), async (peer) => {
        await peer.send(UPLOAD);
        await scene.flood(peer, "a".repeat(65_536));
      }),
  },
  {
    name: "refused uploads that drip at all places",
    phase: "draining",
    server: "few",
    bounds: { wait: 5000 },
    play: (scene) =>
      scene.army(scene.times(70), async (peer) => {
        await peer.send(TOO_LARGE);
        await scene.drip(peer, "a", 200);
      }),
  },
  {
    name: "peers that stay behind the last answer, at all places",
    phase: "draining",
    server: "few",
    bounds: { wait: 5000 },
    play: (scene) =>
      scene.army(
        scene.times(70),
        (peer) =>
          peer.send(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET",
          ),
      ),
  },
  {
    name: "the end of a server that is attacked",
    phase: "draining",
    server: "stopped",
    async play(scene) {
      const begin = [
        "GET /held HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /",
        "GET /events HTTP/1.1\r\nHost: a\r\n\r\n",
        TOO_LARGE,
        "",
      ];
      const all = scene.army(scene.times(20), async (peer, i) => {
        await peer.send(begin[i % begin.length]);
        await scene.drip(peer, "a");
      });
      await pause(500);
      const took = await scene.command("stop");
      scene.expect(took < 10_000, `The end took ${Math.round(took)} ms`);
      scene.notes.push(`The end took ${Math.round(took)} ms`);
      await all;
    },
  },
];
