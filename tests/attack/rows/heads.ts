// Heads of requests: slow, endless, or too many.
import type { Attack } from "../scene.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

export const HEADS: Attack[] = [
  {
    name: "heads that drip",
    phase: "head",
    server: "few",
    bounds: { wait: 5000 }, // slow is who is so for a second
    play: (scene) =>
      scene.army(
        scene.times(70),
        (peer) =>
          scene.drip(peer, `GET / HTTP/1.1\r\nX: ${"a".repeat(10_000)}`),
      ),
  },
  {
    name: "heads that never end",
    phase: "head",
    async play(scene) {
      while (scene.isOn) {
        const peer = await scene.connect();
        await peer?.send(`GET / HTTP/1.1\r\nX: ${"a".repeat(60_000)}`);
        const answer = await peer?.until("\r\n\r\n");
        scene.expect(/ 431 /.test(answer ?? " 431 "), `431 is not ${answer}`);
        peer?.close();
        await scene.breath();
      }
    },
  },
  {
    name: "heads of many fields",
    phase: "head",
    async play(scene) {
      const fields = "a:\r\n".repeat(3000);
      while (scene.isOn) {
        const peer = await scene.connect();
        await peer?.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
        await peer?.until("\r\n\r\n");
        peer?.close();
        await scene.breath();
      }
    },
  },
  {
    name: "tiny requests in a pipeline",
    phase: "head",
    play: (scene) =>
      scene.crowd(2, async (peer) => {
        peer.swallow();
        for (let next = peer; scene.isOn;) {
          await scene.flood(next, GET.repeat(2000));
          const another = await scene.connect();
          another?.swallow();
          next = another ?? next;
          await scene.breath();
        }
      }),
  },
  {
    name: "requests in a pipeline whose answers nobody reads",
    phase: "head",
    play: (scene) =>
      scene.army(scene.times(8), (peer) => scene.flood(peer, GET.repeat(2000))),
  },
  {
    name: "large answers in a pipeline that nobody reads",
    phase: "head",
    play: (scene) =>
      scene.army(
        scene.times(8),
        (peer) =>
          peer.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500)),
      ),
  },
  {
    name: "empty lines in front of a request",
    phase: "head",
    async play(scene) {
      while (scene.isOn) {
        const peer = await scene.connect();
        await peer?.send("\r\n".repeat(20_000));
        peer?.close();
        await scene.breath();
      }
    },
  },
];
