// Requests that an application holds, and connections that are taken over.
import { pause } from "../peer.ts";
import type { Attack } from "../scene.ts";

const HELD = "GET /held HTTP/1.1\r\nHost: a\r\n\r\n";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Long polls whose peers leave, behind what they have sent ahead. */
function leaves(ahead: number): Attack {
  const kib = Math.round(ahead / 1024);
  return {
    name: `long polls whose peers leave behind ${kib} KiB`,
    phase: "held",
    async play(scene) {
      const text = HELD + GET.repeat(Math.ceil(ahead / GET.length));
      const count = scene.times(10);
      await scene.army(count, async (peer) => {
        await peer.send(text);
        await pause(200);
        peer.close();
      });
      await pause(1000);
      for (let i = 0; i < 80; i++) {
        if (await scene.held() === 0) return;
        await pause(100);
      }
      scene.expect(!scene.isOn, `Peers that left behind ${kib} KiB are held`);
    },
  };
}

export const HELD_ROWS: Attack[] = [
  leaves(0),
  leaves(20_000),
  leaves(60_000),
  {
    name: "long polls that stay",
    phase: "held",
    play: (scene) => scene.army(scene.times(50), (peer) => peer.send(HELD)),
  },
  {
    name: "long polls from one address at all places",
    phase: "held",
    server: "few",
    bounds: { wait: 3000 },
    play: (scene) => scene.crowd(80, (peer) => peer.send(HELD)),
  },
  {
    name: "long polls whose peers have ended their side",
    phase: "held",
    play: (scene) =>
      scene.army(scene.times(20), async (peer) => {
        await peer.send(HELD);
        peer.endOutput();
      }),
  },
  {
    name: "tunnels whose peers never read",
    phase: "tunnel",
    play: (scene) =>
      scene.army(
        scene.times(10),
        (peer) => peer.send("GET /hijack/deaf HTTP/1.1\r\nHost: a\r\n\r\n"),
      ),
  },
  {
    name: "tunnels that send and do not read what comes back",
    phase: "tunnel",
    play: (scene) =>
      scene.army(scene.times(10), async (peer) => {
        await peer.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
        await scene.flood(peer, "a".repeat(65_536));
      }),
  },
  {
    name: "tunnels whose peers vanish",
    phase: "tunnel",
    async play(scene) {
      while (scene.isOn) {
        const peer = await scene.connect();
        await peer?.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
        await peer?.until("\r\n\r\n");
        await peer?.send("a".repeat(1000));
        peer?.close();
        await scene.breath();
      }
    },
  },
];
