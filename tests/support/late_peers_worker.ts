import type { LatePeers } from "./late_peers.ts";

declare const self: {
  onmessage: ((event: MessageEvent<LatePeers>) => void) | null;
  postMessage(message: unknown): void;
};

const encoder = new TextEncoder();

async function readAll(conn: Deno.Conn): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65536);
  try {
    for (let length; (length = await conn.read(buffer)) !== null;) {
      text += decoder.decode(buffer.subarray(0, length), { stream: true });
    }
  } catch (error) {
    text += `<${(error as Error).name}>`;
  }
  conn.close();
  return text;
}

self.onmessage = async ({ data }) => {
  const { port, flag, texts, connectFirst } = data;
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port });
  const early = connectFirst ? await Promise.all(texts.map(connect)) : null;
  self.postMessage("ready");
  await Atomics.waitAsync(flag, 1, 0).value;
  const conns = early ?? await Promise.all(texts.map(connect));
  await Promise.all(
    conns.map((conn, i) => conn.write(encoder.encode(texts[i]))),
  );
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  self.postMessage(await Promise.all(conns.map(readAll)));
};
