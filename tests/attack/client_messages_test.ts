// A server that sends messages so small that one read holds tens of thousands.
import { assert, assertEquals } from "@std/assert";
import type { Websocket } from "../../client.ts";
import { acceptKey } from "../../websocket.ts";
import { TurnCounter } from "../support/turn_counter.ts";
import { RawArena } from "../support/client_arenas.ts";

const USES: Record<string, (ws: Websocket, take: () => void) => unknown> = {
  "listened for": (ws, take) => {
    ws.onmessage = take;
  },
  "iterated over": async (ws, take) => {
    for await (const _ of ws) take();
  },
};

const FRAMES: Record<string, number[]> = {
  "empty messages": [0x81, 0],
  "messages of one byte": [0x81, 1, 0x78],
  "compressed messages": [0xc1, 1, 0],
};

const MANY = 50_000;
const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

for (const [how, use] of Object.entries(USES)) {
  for (const [what, frame] of Object.entries(FRAMES)) {
    Deno.test(`websocket() leaves others time while ${what} are ${how}`, async () => {
      const compress = what === "compressed messages";
      const flood = new Uint8Array(frame.length * MANY + 2);
      for (let i = 0; i < MANY; i++) flood.set(frame, i * frame.length);
      flood.set([0x88, 0], frame.length * MANY);
      await using arena = new RawArena(async (peer, _, arena) => {
        const head = await arena.ask(peer);
        const key = /\r\nsec-websocket-key: (\S+)/i.exec(head)![1];
        await peer.send(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
            `Connection: Upgrade\r\nSec-WebSocket-Accept: ${
              acceptKey(key)
            }\r\n` +
            (compress ? DEFLATE : "") + "\r\n",
        );
        await peer.send(flood);
        await peer.rest();
        peer.close();
      });
      using counter = new TurnCounter();
      const ws = await arena.client.websocket("", { compress });
      const used = use(ws, () => counter.count());
      assertEquals((await ws.closed).code, 1005);
      await used;
      assertEquals(counter.all, MANY);
      assert(counter.most <= 1000, `${counter.most} messages in one turn`);
    });
  }
}
