// WebSockets: much in little, and closing handshakes that do not end.
import {
  closing,
  frame,
  handshake,
  join,
  packed,
  text,
} from "../../support/websocket_peer.ts";
import type { Peer } from "../peer.ts";
import type { Attack, AttackScene } from "../scene.ts";

/** Frames to be sent at once come to about so many bytes. */
const MUCH = 1_048_576;

function much(one: Uint8Array): Uint8Array {
  const count = Math.ceil(MUCH / one.length);
  const all = new Uint8Array(count * one.length);
  for (let i = 0; i < count; i++) all.set(one, i * one.length);
  return all;
}

async function open(
  scene: AttackScene,
  from: number,
  path: string,
  extensions: string | null = "permessage-deflate; client_no_context_takeover",
): Promise<Peer | null> {
  const peer = await scene.connect(from);
  if (peer === null) return null;
  const fields = { "sec-websocket-extensions": extensions };
  await peer.send(handshake(fields, `GET ${path} HTTP/1.1`));
  return await peer.until("\r\n\r\n") === null ? null : peer;
}

/** Messages by the ten thousand, of four peers, whose answers they read. */
function flood(
  name: string,
  data: Uint8Array,
  path = "/ws",
  before?: Uint8Array,
  bounds?: Attack["bounds"],
): Attack {
  return {
    name,
    phase: "websocket",
    bounds,
    async play(scene) {
      const play = async (_: unknown, i: number) => {
        // Whoever is closed for it comes again.
        while (scene.isOn) {
          const peer = await open(scene, i, path);
          if (peer === null) return;
          peer.swallow();
          if (before !== undefined) await peer.send(before);
          await scene.flood(peer, data);
          await scene.breath();
        }
      };
      const count = scene.scale > 1 ? 4 : 1;
      await Promise.all(Array.from({ length: count }, play));
    },
  };
}

const EMPTY = much(frame(0x81));

export const WEBSOCKETS: Attack[] = [
  flood("empty messages to who iterates", EMPTY),
  flood("empty messages to who listens", EMPTY, "/ws/listen"),
  flood("messages of a byte to who listens", much(text("a")), "/ws/listen"),
  flood("pings", much(frame(0x89))),
  flood("pings of 125 bytes", much(frame(0x89, new Uint8Array(125)))),
  flood("pongs", much(frame(0x8a))),
  flood("empty fragments", much(frame(0x00)), "/ws", frame(0x01)),
  flood("compressed empty messages", much(packed(""))),
  flood(
    "compressed empty messages to who listens",
    much(packed("")),
    "/ws/listen",
  ),
  flood(
    "compression bombs",
    join(packed(new Uint8Array(64 * MUCH)), packed(new Uint8Array(64 * MUCH))),
  ),
  flood(
    "compressed messages of a MiB",
    join(packed(new Uint8Array(MUCH - 1)), packed(new Uint8Array(MUCH - 1))),
    "/ws/listen",
    undefined,
    { held: 160 },
  ),
  flood("closes, and messages behind them", join(closing(1000), EMPTY)),
  flood("closes in a row", much(closing(1000))),
  flood("frames that are none", much(frame(0xff))),
  ...[1, 4].map((count): Attack => ({
    name: `11 MB of empty messages from ${count}`,
    phase: "websocket",
    isLong: true,
    async play(scene) {
      const began = performance.now();
      await Promise.all(Array.from({ length: count }, async (_, i) => {
        const peer = await open(scene, i, "/ws", null);
        if (peer === null) return;
        const last = peer.until("last");
        for (let j = 0; j < 11; j++) await peer.send(EMPTY);
        await peer.send(text("last"));
        await last;
      }));
      const took = Math.round(performance.now() - began);
      scene.notes.push(`Answered after ${took} ms`);
    },
  })),
  {
    name: "frames that announce 2^62 bytes",
    phase: "websocket",
    async play(scene) {
      const bytes = new Uint8Array([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0]);
      while (scene.isOn) {
        const peer = await open(scene, 0, "/ws");
        await peer?.send(bytes);
        await scene.breath();
        peer?.close();
      }
    },
  },
  {
    name: "fragments of a message that never ends",
    phase: "websocket",
    bounds: { grown: 128 },
    async play(scene) {
      await Promise.all(
        Array.from({ length: scene.times(4) }, async (_, i) => {
          const peer = await open(scene, i, "/ws");
          if (peer === null) return;
          await peer.send(frame(0x02, new Uint8Array(1000)));
          const part = frame(0x00, new Uint8Array(1000));
          for (let j = 0; j < 1000; j++) await peer.send(part);
        }),
      );
    },
  },
  {
    name: "peers that do not read what they are sent",
    phase: "websocket",
    async play(scene) {
      await Promise.all(
        Array.from(
          { length: scene.times(10) },
          (_, i) => open(scene, i, "/ws/deaf", null),
        ),
      );
    },
  },
  {
    // 64 KiB that are queued are a thousand times as much before compression.
    name: "peers that do not read what is compressed for them",
    phase: "websocket",
    async play(scene) {
      await Promise.all(
        Array.from(
          { length: scene.times(10) },
          (_, i) => open(scene, i, "/ws/deaf"),
        ),
      );
    },
  },
  {
    name: "peers that do not read what answers them",
    phase: "websocket",
    async play(scene) {
      await Promise.all(
        Array.from({ length: scene.times(4) }, async (_, i) => {
          const peer = await open(scene, i, "/ws");
          if (peer !== null) await scene.flood(peer, much(text("a")));
        }),
      );
    },
  },
  {
    name: "peers that never answer a close",
    phase: "websocket",
    async play(scene) {
      await Promise.all(
        Array.from({ length: scene.times(10) }, async (_, i) => {
          const peer = await open(scene, i, "/ws");
          await peer?.send(frame(0xff)); // for which it is closed
        }),
      );
    },
  },
  {
    name: "handshakes that are not followed by anything",
    phase: "websocket",
    async play(scene) {
      await Promise.all(
        Array.from(
          { length: scene.times(40) },
          (_, i) => open(scene, i, "/ws"),
        ),
      );
    },
  },
];
