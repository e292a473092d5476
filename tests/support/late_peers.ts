/**
 * Peers in a thread of their own: they can connect, and send, while the event
 * loop of the test is kept from turning. What they got is told at the end.
 */
export interface LatePeers {
  port: number;
  /** Set to 1 once all is sent. */
  flag: Int32Array;
  /** What each peer sends. */
  texts: string[];
  /** Peers that connect right away; they say when they are connected. */
  connectFirst: boolean;
}

/** Runs peers; `ready` is when those that connect first have done so. */
export function latePeers(peers: Omit<LatePeers, "flag">): {
  ready: Promise<void>;
  /** Has them send, and blocks the event loop until they have. */
  send(): void;
  /** What each got. */
  answers: Promise<string[]>;
  end(): void;
} {
  const flag = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(import.meta.resolve("./late_peers_worker.ts"), {
    type: "module",
  });
  const ready = Promise.withResolvers<void>();
  const answers = Promise.withResolvers<string[]>();
  worker.onmessage = ({ data }) => {
    if (data === "ready") ready.resolve();
    else answers.resolve(data);
  };
  worker.postMessage({ ...peers, flag });
  return {
    ready: ready.promise,
    send() {
      Atomics.store(flag, 1, 1);
      Atomics.notify(flag, 1);
      while (Atomics.load(flag, 0) === 0) Atomics.wait(flag, 0, 0, 10);
    },
    answers: answers.promise,
    end: () => worker.terminate(),
  };
}
