/** What even an empty file costs on a disk, in bytes. */
export const FILE_COST = 4096;

/** Why an upload is not taken. */
export class UploadRefused extends Error {
  /** The class's name. */
  override name = "UploadRefused";
  /** The status to answer with. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What uploads may take of the disk, all together, while this runs. */
export class Quota {
  readonly #most: number;
  #left: number;
  #changing: Promise<unknown> = Promise.resolve();

  /** @param bytes How much. */
  constructor(bytes: number) {
    this.#most = this.#left = bytes;
  }

  /** Whether there is room for so many bytes. */
  has(bytes: number): boolean {
    return bytes <= this.#left;
  }

  /**
   * Takes so many bytes.
   *
   * @throws {UploadRefused} If there is no room for them.
   */
  take(bytes: number): void {
    if (!this.has(bytes)) {
      throw new UploadRefused(507, "No room is left for uploads");
    }
    this.#left -= bytes;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    // What was there before is given back as well, as it is replaced.
    this.#left = Math.min(this.#most, this.#left + bytes);
  }

  /**
   * Changes what is there, one thing after the other: what goes must not be
   * counted twice.
   */
  exclusive<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => {});
    return done;
  }
}
