/** What a `Websocket` stands on: the side of a connection that it writes to. */
export interface ByteSink {
  /**
   * Queues bytes. Less than 4 KiB are copied; more must not be altered until
   * they are sent.
   */
  append(bytes: Uint8Array): void;
  /** Room for so many bytes more, in a buffer that is filled from `outEnd` on. */
  room(length: number): Uint8Array;
  /** Where what was written into that buffer ends. */
  readonly outEnd: number;
  /** Queues what was written into it, up to `end`. */
  wrote(end: number): void;
  /** Sends what is queued. Resolves to whether the kernel took it all. Never rejects. */
  flush(): Promise<boolean>;
  /** Resolves to true once no more than `amount` bytes are queued, to false if the peer is gone. */
  whenBelow(amount: number): Promise<boolean>;
  /** Bytes queued and not taken by the kernel. */
  readonly bufferedAmount: number;
  /** Whether the connection is gone. */
  readonly isClosed: boolean;
  /** Reads on, after `receive()` has returned false. */
  resume(): void;
  /**
   * Everything is said: sends what is queued, half-closes, waits shortly for
   * the peer to close, and closes.
   */
  end(): void;
  /** Drops the connection at once. */
  destroy(): void;
  /**
   * Counts things that are done for the peer, such as frames of any size; less
   * than none takes back what was counted ahead. Returns whether more may be
   * done in this turn of the event loop.
   */
  spend(things: number): boolean;
  /**
   * Calls back in a later turn, when there is time for this peer again, unless
   * called off by the function it returns.
   */
  whenTurn(callback: () => void): () => void;
  /** Calls back after so many ms, unless called off by the function it returns. */
  after(ms: number, callback: () => void): () => void;
}
