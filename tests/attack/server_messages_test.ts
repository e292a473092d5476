// Messages so small that one read holds thousands: those of one connection
// leave time for everybody else, however long an application takes for each.
import { assert, assertEquals } from "@std/assert";
import type { Websocket } from "../../websocket.ts";
import { Arena } from "../support/arena.ts";
import { frame, join, WebsocketPeer } from "../support/websocket_peer.ts";
import { TurnCounter } from "../support/turn_counter.ts";

/** What an application does with messages. */
const USES: Record<string, (ws: Websocket, take: () => void) => unknown> = {
  "listened for": (ws, take) => {
    ws.onmessage = take;
    return ws.closed;
  },
  "iterated over": async (ws, take) => {
    for await (const _ of ws) take();
  },
  "received": async (ws, take) => {
    while (await ws.recv() !== null) take();
  },
  "sent back": async (ws, take) => {
    for await (const message of ws) {
      take();
      await ws.send(message);
    }
  },
};

const FRAMES: Record<string, Uint8Array> = {
  "empty messages": frame(0x81),
  "messages of one byte": frame(0x82, "x"),
  "compressed empty messages": frame(0xc1),
};

/** So many messages come on each connection. */
const MANY = 20_000;

for (const [how, use] of Object.entries(USES)) {
  for (const [what, one] of Object.entries(FRAMES)) {
    Deno.test(`Websocket leaves others time while ${what} are ${how}`, async () => {
      using counter = new TurnCounter();
      await using arena = new Arena((client) => {
        if (!client.isWebsocketRequest) return client.respond("ok");
        return use(
          client.acceptWebsocket({ compress: true })!,
          () => counter.count(),
        );
      });
      const peers = await Promise.all(
        Array.from({ length: 3 }, async () => {
          const peer = new WebsocketPeer(await arena.open());
          const headers = { "sec-websocket-extensions": "permessage-deflate" };
          return await peer.open(headers);
        }),
      );
      const flood = new Uint8Array(one.length * MANY);
      for (let i = 0; i < MANY; i++) flood.set(one, i * one.length);
      const floods = peers.map(async (peer) => {
        const rest = peer.rest();
        await peer.send(flood);
        await peer.send(frame(0x88));
        await rest;
      });
      while (counter.all < peers.length * MANY) await arena.serves();
      await Promise.all(floods);
      for (const peer of peers) peer.close();
      assertEquals(counter.all, peers.length * MANY);
      assert(counter.most <= 1000, `${counter.most} messages in one turn`);
    });
  }
}

/** So long an application takes for a message, in ms, and so many come. */
const SLOW = 3;
const FEW = 60;

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

for (const [how, use] of Object.entries(USES)) {
  Deno.test(`Websocket leaves others time while messages are slowly ${how}`, async () => {
    using counter = new TurnCounter();
    await using arena = new Arena((client) => {
      if (!client.isWebsocketRequest) return client.respond("ok");
      return use(client.acceptWebsocket()!, () => {
        counter.count();
        work(SLOW);
      });
    });
    const peers = await Promise.all(
      Array.from(
        { length: 3 },
        async () => await new WebsocketPeer(await arena.open()).open(),
      ),
    );
    const floods = peers.map(async (peer) => {
      const rest = peer.rest();
      await peer.send(
        join(...Array.from({ length: FEW }, () => frame(0x81, "x"))),
      );
      await peer.send(frame(0x88));
      await rest;
    });
    while (counter.all < peers.length * FEW) await arena.serves();
    await Promise.all(floods);
    for (const peer of peers) peer.close();
    assertEquals(counter.all, peers.length * FEW);
    const most = counter.most * SLOW;
    assert(most <= 125, `${most} ms in one turn`);
  });
}
