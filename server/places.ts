/** What takes a place: a connection, as seen by who has to find room. */
export interface Place {
  /** Whose it is; "" for peers that speak for many, and are not counted. */
  readonly address: string;
  /** Whether it was closed meanwhile. */
  readonly isClosed: boolean;
  /** For how many ticks it has been in its present wait. */
  readonly age: number;
  /** Whether nobody would miss it: it waits for a request, or is at its end. */
  readonly isSpare: boolean;
  /** For how many ticks its peer has kept us waiting; 0 where it does not. */
  readonly slowness: number;
}

/** Who gives way, the first one first. */
const Rank = {
  /** Idle, of an address that holds a large share. */
  IDLE_OF_MANY: 0,
  /** Slow, of such an address. */
  SLOW_OF_MANY: 1,
  IDLE: 2,
  SLOW: 3,
  /** At work, of an address that holds more than half. */
  BUSY_OF_MOST: 4,
  NOBODY: 5,
} as const;

/** From this part of all places on, an address holds a large share. */
const LARGE_SHARE = 1 / 8;

/** What decides within a rank: how many its address holds, then how long. */
const MOST_COUNTED = 2 ** 16;
const LONGEST = 2 ** 24;

/** Who holds the places of a server, and who gives way to others. */
export class Places<P extends Place> {
  readonly #limit: number;
  readonly #counts: Map<string, number> = new Map();
  // Who gives way, the first one last; looked for once a tick.
  #found: P[] = [];
  #foundAt = -1;

  /** @param limit How many places there are. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many places an address holds. */
  count(address: string): number {
    return this.#counts.get(address) ?? 0;
  }

  /** Whether an address holds more than half of all. */
  hasMost(address: string): boolean {
    return address !== "" && this.count(address) * 2 > this.#limit;
  }

  add({ address }: P): void {
    if (address !== "") this.#counts.set(address, this.count(address) + 1);
  }

  delete({ address }: P): void {
    const count = this.count(address);
    if (count > 1) this.#counts.set(address, count - 1);
    else this.#counts.delete(address);
  }

  /**
   * Who gives way to a newcomer; null for nobody.
   *
   * @param places All there are.
   * @param newcomer The address of who wants a place.
   * @param tick The present time: all are looked at once a tick, as that is
   * work which the newcomers would make.
   */
  victim(places: Iterable<P>, newcomer: string, tick: number): P | null {
    if (this.#foundAt !== tick) {
      this.#foundAt = tick;
      this.#found = this.#look(places);
    }
    for (let i = this.#found.length - 1; i >= 0; i--) {
      const place = this.#found[i];
      const rank = place.isClosed ? Rank.NOBODY : this.#rank(place);
      if (rank === Rank.BUSY_OF_MOST && place.address === newcomer) {
        return null; // nobody makes room for more of the same
      }
      this.#found.length = i;
      if (rank !== Rank.NOBODY) return place;
    }
    return null;
  }

  #look(places: Iterable<P>): P[] {
    const found: { place: P; key: number }[] = [];
    for (const place of places) {
      const rank = this.#rank(place);
      if (rank === Rank.NOBODY) continue;
      const count = Math.min(this.count(place.address), MOST_COUNTED - 1);
      const time = Math.min(place.slowness || place.age, LONGEST - 1);
      found.push({
        place,
        key: (rank * MOST_COUNTED - count) * LONGEST - time,
      });
    }
    // Of those that are alike, the one that came first is the last.
    found.reverse().sort((a, b) => b.key - a.key);
    return found.map(({ place }) => place);
  }

  #rank(place: P): number {
    const isOfMany = this.count(place.address) > this.#limit * LARGE_SHARE &&
      this.#counts.size > 1;
    if (place.isSpare) return isOfMany ? Rank.IDLE_OF_MANY : Rank.IDLE;
    if (place.slowness > 0) return isOfMany ? Rank.SLOW_OF_MANY : Rank.SLOW;
    return this.hasMost(place.address) ? Rank.BUSY_OF_MOST : Rank.NOBODY;
  }
}
