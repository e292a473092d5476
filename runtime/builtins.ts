import type * as nodeBuffer from "node:buffer";
import type * as nodeCrypto from "node:crypto";
import type * as nodeStream from "node:stream";
import type * as nodeTls from "node:tls";
import type * as nodeZlib from "node:zlib";

// Node's built-in modules take tens of milliseconds and several megabytes to
// load, so nothing imports them: who needs one asks for it where it is needed.

interface Builtins {
  "node:buffer": typeof nodeBuffer;
  "node:crypto": typeof nodeCrypto;
  "node:stream": typeof nodeStream;
  "node:tls": typeof nodeTls;
  "node:zlib": typeof nodeZlib;
}

interface NodeGlobals {
  Buffer?: typeof nodeBuffer.Buffer;
  process: {
    getBuiltinModule<N extends keyof Builtins>(name: N): Builtins[N];
  };
}

const globals = globalThis as unknown as NodeGlobals;

/** A built-in module of Node, which is loaded when it is first asked for. */
export function builtin<N extends keyof Builtins>(name: N): Builtins[N] {
  return globals.process.getBuiltinModule(name);
}

/** The class `Buffer`. On its own it loads several times faster. */
export function bufferClass(): typeof nodeBuffer.Buffer {
  return globals.Buffer ?? builtin("node:buffer").Buffer;
}
