import { ListenerGuard } from "./listeners.ts";

/** What comes and goes: text, or bytes. */
export type WebsocketMessage = string | Uint8Array<ArrayBuffer>;

/** The events of a {@linkcode Websocket}, by name. */
export interface WebsocketEventMap {
  /** Never comes from one that is open to begin with, as all here are. */
  open: Event;
  /** A message, in `data`. */
  message: MessageEvent;
  /** The peer's ping, which is answered already; its bytes are in `data`. */
  ping: MessageEvent<Uint8Array<ArrayBuffer>>;
  /** The peer's pong, asked for or not; its bytes are in `data`. */
  pong: MessageEvent<Uint8Array<ArrayBuffer>>;
  /** The end; the last event. */
  close: CloseEvent;
  /** The peer broke a rule, or the connection broke; `close` follows. */
  error: ErrorEvent;
}

/** Someone's handler, and what calls it. */
interface Handler {
  handler: unknown;
  listener: EventListener;
}

/**
 * The face of a WebSocket that browsers know: listeners and handlers. Who
 * listens for messages gets all of them, and nobody can pull them any more.
 */
export abstract class WebsocketEvents extends EventTarget {
  #binaryType: "arraybuffer" | "blob" | "bytes" = "arraybuffer";
  #handlers: Map<string, Handler> | null = null;
  #guard: ListenerGuard | null = null;
  // Whether anybody has ever listened for pings and pongs, which peers send at
  // will.
  #hearsPings = false;

  /** @ignore Somebody listens for messages. */
  protected abstract listen(): void;
  /** @ignore What a listener threw, or its promise was rejected with. */
  protected abstract listenerFailed(error: unknown, type: string): void;

  /**
   * As what bytes come in message events: "arraybuffer" (the default), "blob",
   * or "bytes" for `Uint8Array`.
   */
  get binaryType(): "arraybuffer" | "blob" | "bytes" {
    return this.#binaryType;
  }

  set binaryType(type: "arraybuffer" | "blob" | "bytes") {
    if (type === "arraybuffer" || type === "blob" || type === "bytes") {
      this.#binaryType = type;
    }
  }

  /** @ignore */
  protected dispatchMessage(message: WebsocketMessage): void {
    let data: unknown = message;
    if (typeof message !== "string") {
      if (this.#binaryType === "arraybuffer") data = message.buffer;
      else if (this.#binaryType === "blob") data = new Blob([message]);
    }
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  /** @ignore A ping or a pong is in; its payload holds until this returns. */
  protected dispatchControl(type: "ping" | "pong", payload: Uint8Array): void {
    if (!this.#hearsPings) return;
    const data = new Uint8Array(payload);
    this.dispatchEvent(new MessageEvent(type, { data }));
  }

  /** Adds a listener. One for messages makes all of them events. */
  override addEventListener<K extends keyof WebsocketEventMap>(
    type: K,
    listener: (this: WebsocketEvents, event: WebsocketEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Adds a listener. */
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Adds a listener. */
  override addEventListener(
    type: string,
    // deno-lint-ignore no-explicit-any
    listener: any,
    options?: boolean | AddEventListenerOptions,
  ): void {
    this.#guard ??= new ListenerGuard((error, type) =>
      this.listenerFailed(error, type)
    );
    super.addEventListener(type, this.#guard.wrap(listener), options);
    if (listener === null) return;
    if (type === "message") this.listen();
    else if (type === "ping" || type === "pong") this.#hearsPings = true;
  }

  /** Removes a listener. */
  override removeEventListener<K extends keyof WebsocketEventMap>(
    type: K,
    listener: (this: WebsocketEvents, event: WebsocketEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  /** Removes a listener. */
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  /** Removes a listener. */
  override removeEventListener(
    type: string,
    // deno-lint-ignore no-explicit-any
    listener: any,
    options?: boolean | EventListenerOptions,
  ): void {
    const known = this.#guard?.wrap(listener) ?? listener;
    super.removeEventListener(type, known, options);
  }

  #handler<T>(type: string): T | null {
    return (this.#handlers?.get(type)?.handler ?? null) as T | null;
  }

  #setHandler(type: string, handler: unknown): void {
    this.#handlers ??= new Map();
    const before = this.#handlers.get(type);
    if (before !== undefined) this.removeEventListener(type, before.listener);
    this.#handlers.delete(type);
    if (typeof handler !== "function") return;
    const listener = (event: Event) => handler.call(this, event);
    this.#handlers.set(type, { handler, listener });
    this.addEventListener(type, listener);
  }

  /** Called when it is open; never, as all here are open to begin with. */
  get onopen(): ((event: Event) => unknown) | null {
    return this.#handler("open");
  }

  set onopen(handler: ((event: Event) => unknown) | null) {
    this.#setHandler("open", handler);
  }

  /** Called for each message. */
  get onmessage(): ((event: MessageEvent) => unknown) | null {
    return this.#handler("message");
  }

  set onmessage(handler: ((event: MessageEvent) => unknown) | null) {
    this.#setHandler("message", handler);
  }

  /** Called for each ping of the peer, which is answered already. */
  get onping(): ((event: MessageEvent) => unknown) | null {
    return this.#handler("ping");
  }

  set onping(handler: ((event: MessageEvent) => unknown) | null) {
    this.#setHandler("ping", handler);
  }

  /** Called for each pong of the peer. */
  get onpong(): ((event: MessageEvent) => unknown) | null {
    return this.#handler("pong");
  }

  set onpong(handler: ((event: MessageEvent) => unknown) | null) {
    this.#setHandler("pong", handler);
  }

  /** Called at the end. */
  get onclose(): ((event: CloseEvent) => unknown) | null {
    return this.#handler("close");
  }

  set onclose(handler: ((event: CloseEvent) => unknown) | null) {
    this.#setHandler("close", handler);
  }

  /** Called where the peer broke a rule. */
  get onerror(): ((event: ErrorEvent) => unknown) | null {
    return this.#handler("error");
  }

  set onerror(handler: ((event: ErrorEvent) => unknown) | null) {
    this.#setHandler("error", handler);
  }
}
