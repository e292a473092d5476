// Answers that are not read: whole ones, streams, and files.
import type { Attack, Phase } from "../scene.ts";

function get(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
}

/** Many who ask for something and do not read it. */
function unread(
  phase: Phase,
  name: string,
  path: string,
  bounds: Attack["bounds"] = {},
): Attack {
  return {
    name,
    phase,
    bounds,
    play: (scene) =>
      scene.army(scene.times(20), (peer) => peer.send(get(path))),
  };
}

/** Peers of streams that close, or end their side, in the middle. */
function leaving(
  name: string,
  path: string,
  server?: Attack["server"],
): Attack {
  return {
    name: `${name} whose peers leave`,
    phase: "streaming",
    server,
    async play(scene) {
      for (let i = 0; scene.isOn; i++) {
        const peer = await scene.connect();
        await peer?.send(get(path));
        await peer?.until("\r\n\r\n");
        if (i % 2 === 0) peer?.close();
        else peer?.endOutput();
        await scene.breath();
      }
    },
  };
}

const STREAMS = {
  "event streams": "events",
  "lines of JSON": "ndjson",
  "multipart streams": "multipart",
  "chunked streams": "chunks",
  "streams of a Response": "response",
};

export const ANSWERS: Attack[] = [
  unread("answering", "large answers that nobody reads", "/large"),
  unread("answering", "long texts that nobody reads", "/text"),
  {
    name: "large answers that are read a byte at a time",
    phase: "answering",
    play: (scene) =>
      scene.army(scene.times(10), async (peer) => {
        await peer.send(get("/large"));
        while (scene.isOn && !peer.isGone) {
          peer.sip(1);
          await scene.breath();
        }
      }),
  },
  {
    name: "large answers, left in the middle",
    phase: "answering",
    async play(scene) {
      while (scene.isOn) {
        const peer = await scene.connect();
        await peer?.send(get("/large"));
        await peer?.until("\r\n\r\n");
        peer?.close();
        await scene.breath();
      }
    },
  },
  ...Object.entries(STREAMS).map(([name, path]): Attack => ({
    name: `compressed ${name}`,
    phase: "streaming",
    server: "compressed",
    play: (scene) =>
      scene.army(scene.times(4), async (peer, i) => {
        await peer.send(get(`/${path}`, "Accept-Encoding: gzip\r\n"));
        if (i % 2 === 0) peer.swallow();
      }),
  })),
  ...Object.entries(STREAMS).flatMap(([name, path]) => [
    unread("streaming", `${name} that nobody reads`, `/${path}`),
    // One who has ended its side of what may have an end may still read.
    leaving(
      `silent ${name}`,
      `/${path}/silent`,
      path === "chunks" ? "brief" : undefined,
    ),
    leaving(name, `/${path}`),
  ]),
  unread("file", "files that nobody reads", "/file"),
  {
    name: "files, left in the middle",
    phase: "file",
    async play(scene) {
      while (scene.isOn) {
        const peer = await scene.connect();
        await peer?.send(get("/file"));
        await peer?.until("\r\n\r\n");
        peer?.close();
        await scene.breath();
      }
    },
  },
  {
    name: "a thousand ranges of a file",
    phase: "file",
    async play(scene) {
      const ranges = Array.from({ length: 1000 }, (_, i) => `${i}-${i}`);
      while (scene.isOn) {
        const peer = await scene.connect();
        await peer?.send(get("/file", `Range: bytes=${ranges.join(",")}\r\n`));
        await peer?.until("\r\n\r\n");
        peer?.close();
        await scene.breath();
      }
    },
  },
  {
    name: "tiny ranges of files in a pipeline",
    phase: "file",
    play: (scene) =>
      scene.army(scene.times(2), async (peer) => {
        peer.swallow();
        await scene.flood(
          peer,
          get("/file", "Range: bytes=0-0\r\n").repeat(200),
        );
      }),
  },
];
