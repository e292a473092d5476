/**
 * The `Date` of answers (RFC 9110 section 6.6.1), made once a second.
 *
 * The room below the clock: whoever has one calls `renew` now and then.
 */
export class HttpDate {
  /** The date as text, 29 characters. */
  text = "";
  /** The same as bytes. */
  readonly bytes: Uint8Array = new Uint8Array(29);
  /** Changes whenever the text does. */
  version = 0;
  #second = -1;

  /** Sets the time, in milliseconds since the epoch. */
  renew(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.text = httpDate(now);
    for (let i = 0; i < 29; i++) this.bytes[i] = this.text.charCodeAt(i);
    this.version++;
  }
}

/** A time in the format of HTTP (`IMF-fixdate`). */
export function httpDate(time: number | Date): string {
  return new Date(time).toUTCString();
}

/**
 * Reads a date of HTTP, also in the two obsolete formats
 * (RFC 9110 section 5.6.7); milliseconds, or NaN where it is none.
 */
export function parseHttpDate(text: string): number {
  return /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text)
    ? Date.parse(text.endsWith("GMT") ? text : text + " GMT")
    : NaN;
}
