/** What other libraries call an option, and what it is called here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  address: "hostname",
  body: "data",
  code: "status",
  cors: "headers",
  expire: "expires",
  filename: "download",
  host: "hostname",
  ip: "hostname",
  lastEventId: "id",
  maxBodySize: "maxContentLength",
  maxConnections: "maxWaitingClients",
  maxPayload: "maxMessageLength",
  protocols: "protocol",
  reason: "statusMessage",
  socket: "path",
  tcpBacklog: "backlog",
  ssl: "cert",
  statusCode: "status",
  statusText: "statusMessage",
  timeout: "requestTimeout",
};

/** The names of the options of something. */
export class OptionNames<T extends object> {
  readonly #whose: string;
  readonly #names: ReadonlySet<string>;

  /**
   * @param whose What they are options of, as messages call it.
   * @param names Each name, so that the compiler sees to it that none is left
   * out.
   */
  constructor(whose: string, names: Record<keyof T, unknown>) {
    this.#whose = whose;
    this.#names = new Set(Object.keys(names));
  }

  /**
   * Checks that options are an object that has no others.
   *
   * @throws {TypeError} If it is none, or has; the message names the option,
   * and what may have been meant.
   */
  check(options: unknown): void {
    if (options === undefined) return;
    if (!isDictionary(options)) {
      throw new TypeError(`Options of ${this.#whose} are not an object`);
    }
    for (const name in options) {
      if (!this.#names.has(name)) {
        throw new TypeError(
          `Unknown option "${name}" of ${this.#whose}${this.#hint(name)}`,
        );
      }
    }
  }

  #hint(name: string): string {
    const meant = closest(name, this.#names);
    return meant === null ? "" : `: did you mean "${meant}"?`;
  }
}

/**
 * Whether a value is an object that can hold values by name: none of the
 * language's own kinds, which hold none, or hold them elsewhere.
 */
export function isDictionary(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ||
    Object.prototype.toString.call(value) === "[object Object]";
}

/** Which of some names is most likely to be meant; null where none is. */
export function closest(name: string, names: Iterable<string>): string | null {
  const known = new Set(names);
  const other = Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : "";
  if (known.has(other)) return other;
  const plain = plainName(name);
  let best: string | null = null;
  let least = Math.min(3, Math.ceil(plain.length / 3));
  for (const candidate of known) {
    const plainCandidate = plainName(candidate);
    // A part of a name, such as `id` of `event_id`, is a weaker sign.
    const away = plainCandidate !== plain && plain.endsWith(plainCandidate)
      ? 1
      : distance(plain, plainCandidate);
    if (away < least) [best, least] = [candidate, away];
  }
  return best;
}

function plainName(name: string): string {
  return name.replace(/[_-]/g, "").toLowerCase();
}

/** How many letters have to be put in, left out, changed or swapped. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1];
      row[j] = Math.min(
        last[j] + 1,
        row[j - 1] + 1,
        last[j - 1] + (isSame ? 0 : 1),
      );
      if (
        i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      ) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, last] = [last, row];
  }
  return last[to.length];
}
