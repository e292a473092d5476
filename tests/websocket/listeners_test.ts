import { assert, assertEquals } from "@std/assert";
import { Opcode, Websocket, writeFrame } from "../../websocket.ts";
import { guardSignal } from "../../websocket/listeners.ts";
import { FakeSink, turns } from "./fake_sink.ts";

const KEY = new Uint8Array([1, 2, 3, 4]);

function open(errors: unknown[] = []): { ws: Websocket; message: () => void } {
  const ws = new Websocket(new FakeSink(), {
    role: "server",
    onError: (error) => errors.push((error as Error).message),
  });
  const frame = () => writeFrame(Opcode.TEXT, new Uint8Array([0x78]), KEY);
  return { ws, message: () => void ws.receive(frame()) };
}

Deno.test("Websocket.addEventListener() does as the platform's", async () => {
  const { ws, message } = open();
  const seen: string[] = [];
  const listener = function (this: unknown, event: Event) {
    assert(this === ws && event.currentTarget === ws);
    seen.push("listener");
  };
  const object = {
    handleEvent(event: Event) {
      assert(this === object && event.type === "message");
      seen.push("object");
    },
  };
  const controller = new AbortController();
  const { signal } = controller;
  ws.addEventListener("message", listener);
  ws.addEventListener("message", listener); // once is enough
  ws.addEventListener("message", listener, { capture: true });
  ws.addEventListener("message", object);
  ws.addEventListener("message", () => seen.push("once"), { once: true });
  ws.addEventListener("message", () => seen.push("signal"), { signal });
  ws.addEventListener("message", null);
  await turns();
  message();
  assertEquals(
    seen.splice(0).sort(),
    ["listener", "listener", "object", "once", "signal"],
  );
  controller.abort();
  ws.removeEventListener("message", object);
  ws.removeEventListener("message", listener, { capture: true });
  message();
  assertEquals(seen.splice(0), ["listener"]);
  ws.removeEventListener("message", listener);
  ws.removeEventListener("message", () => {});
  message();
  assertEquals(seen, []);
});

Deno.test("Websocket closes with 1011 at a listener's fault, and reports it once", async () => {
  const errors: unknown[] = [];
  const { ws, message } = open(errors);
  let count = 0;
  ws.onmessage = () => {
    count++;
    throw new Error(`fault ${count}`);
  };
  await turns();
  for (let i = 0; i < 5; i++) message();
  assertEquals([count, errors], [1, ["fault 1"]]);
  assertEquals(ws.readyState, ws.CLOSING);
  ws.onclose = () => {
    throw new Error("another");
  };
  ws.gone();
  assertEquals(errors, ["fault 1", "another"]);
});

Deno.test("Websocket survives an onError that fails itself", async () => {
  const ws = new Websocket(new FakeSink(), {
    role: "server",
    onError: () => {
      throw new Error("of onError");
    },
  });
  const { error } = console;
  const lines: unknown[] = [];
  console.error = (...args) => lines.push(...args);
  try {
    ws.onmessage = () => {
      throw new Error("fault");
    };
    await turns();
    ws.receive(writeFrame(Opcode.TEXT, new Uint8Array(0), KEY));
  } finally {
    console.error = error;
  }
  assertEquals(lines.map(String).at(-1), "Error: of onError");
  assertEquals(ws.readyState, ws.CLOSING);
});

Deno.test("Websocket gives no more to a listener that has failed at what had waited", async () => {
  const errors: unknown[] = [];
  const { ws, message } = open(errors);
  for (let i = 0; i < 5; i++) message();
  let others = 0;
  ws.addEventListener("message", () => {
    throw new Error("fault");
  });
  ws.addEventListener("message", () => others++);
  await turns();
  // The other listeners of the same event are told.
  assertEquals([others, errors], [1, ["fault"]]);
});

Deno.test("guardSignal() leaves a signal as it was, but for what its listeners throw", async () => {
  const errors: string[] = [];
  const controller = new AbortController();
  const { signal } = controller;
  guardSignal(signal, (error, type) => errors.push(`${error} at ${type}`));
  const seen: string[] = [];
  const removed = () => seen.push("removed");
  signal.addEventListener("abort", removed);
  signal.removeEventListener("abort", removed);
  signal.onabort = () => seen.push("replaced");
  signal.onabort = () => seen.push("onabort");
  signal.addEventListener("abort", () => {
    throw new Error("thrown");
  });
  signal.addEventListener("abort", () => Promise.reject("rejected"));
  signal.addEventListener("abort", () => seen.push("last"), { once: true });
  controller.abort();
  await turns();
  assertEquals(seen, ["onabort", "last"]);
  assertEquals(errors, ["Error: thrown at abort", "rejected at abort"]);
});
