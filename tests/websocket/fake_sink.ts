import type { ByteSink } from "../../websocket.ts";

/** A sink that keeps what it is given, and moves only when it is told to. */
export class FakeSink implements ByteSink {
  /** What was flushed, in the pieces of each flush. */
  readonly flushed: Uint8Array<ArrayBuffer>[] = [];
  /** What was said of its end. */
  ended = 0;
  destroyed = 0;
  resumed = 0;
  isClosed = false;
  /** Whether what is flushed is taken at once. */
  isStuck = false;
  /** Called with what the kernel took. */
  onTaken: ((bytes: Uint8Array<ArrayBuffer>) => void) | null = null;
  onResume: (() => void) | null = null;
  onEnd: (() => void) | null = null;
  readonly timers: { ms: number; callback: () => void }[] = [];
  outEnd = 0;
  /** What may be done in this turn. */
  thingsLeft = Infinity;
  readonly #line = new Set<() => void>();
  #room: Uint8Array = new Uint8Array(0);
  #queued: number[] = [];
  #below: { amount: number; resolve: (isBelow: boolean) => void }[] = [];
  #stuck = 0;

  get bufferedAmount(): number {
    return this.#queued.length + this.#stuck;
  }

  /** How many wait for the peer to read. */
  get waiting(): number {
    return this.#below.length;
  }

  /** All that was flushed, as one. */
  get output(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.flushed.flatMap((bytes) => [...bytes]));
  }

  append(bytes: Uint8Array): void {
    if (this.isClosed) return;
    for (const byte of bytes) this.#queued.push(byte);
  }

  room(length: number): Uint8Array {
    return this.#room = new Uint8Array(length);
  }

  wrote(end: number): void {
    this.append(this.#room.subarray(0, end));
  }

  flush(): Promise<boolean> {
    if (this.isClosed) return Promise.resolve(false);
    if (this.#queued.length > 0) {
      const bytes = Uint8Array.from(this.#queued);
      this.#queued = [];
      this.flushed.push(bytes);
      if (this.isStuck) this.#stuck += bytes.length;
      else this.onTaken?.(bytes);
    }
    this.#check();
    return Promise.resolve(!this.isStuck);
  }

  /** The peer reads again. */
  unstick(): void {
    this.isStuck = false;
    this.#stuck = 0;
    this.#check();
  }

  whenBelow(amount: number): Promise<boolean> {
    if (this.isClosed) return Promise.resolve(false);
    if (this.bufferedAmount <= amount) return Promise.resolve(true);
    return new Promise((resolve) => this.#below.push({ amount, resolve }));
  }

  #check(): void {
    this.#below = this.#below.filter(({ amount, resolve }) => {
      if (this.bufferedAmount > amount) return true;
      resolve(true);
      return false;
    });
  }

  resume(): void {
    this.resumed++;
    this.onResume?.();
  }

  end(): void {
    this.flush();
    this.ended++;
    this.onEnd?.();
  }

  destroy(): void {
    this.destroyed++;
    this.isClosed = true;
    this.#queued = [];
    this.#stuck = 0;
    for (const { resolve } of this.#below) resolve(false);
    this.#below = [];
  }

  spend(things: number): boolean {
    this.thingsLeft -= things;
    return this.thingsLeft > 0;
  }

  whenTurn(callback: () => void): () => void {
    this.#line.add(callback);
    return () => this.#line.delete(callback);
  }

  /** How many wait for a turn. */
  get inLine(): number {
    return this.#line.size;
  }

  /** A turn of the event loop comes, with time for so many things. */
  turn(things: number): void {
    this.thingsLeft = things;
    for (const callback of [...this.#line]) {
      this.#line.delete(callback);
      callback();
    }
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { ms, callback };
    this.timers.push(timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index >= 0) this.timers.splice(index, 1);
    };
  }

  /** Lets the first timer of so many ms run off. */
  fire(ms: number): void {
    const index = this.timers.findIndex((timer) => timer.ms === ms);
    if (index < 0) throw new Error(`No timer of ${ms} ms`);
    this.timers.splice(index, 1)[0].callback();
  }
}

/** Some turns of the queue. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await null;
}

/** Until something is so; the work of zlib may take a while. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; !isSo(); i++) {
    if (i === 2000) throw new Error("It never came to be so");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
