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

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const DATE_FORMATS = ((): RegExp[] => {
  const day = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
  const longDay =
    "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";
  const month = `(?<month>${MONTHS.join("|")})`;
  const time = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";
  return [
    `${day}, (?<day>\\d\\d) ${month} (?<year>[1-9]\\d{3}) ${time} GMT`,
    `${longDay}, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT`,
    `${day} ${month} (?<day>[ \\d]\\d) ${time} (?<year>[1-9]\\d{3})`,
  ].map((format) => new RegExp(`^${format}$`));
})();

/**
 * Reads a date of HTTP, also in the two obsolete formats
 * (RFC 9110 section 5.6.7); milliseconds, or NaN where it is none.
 *
 * Two digits of a year mean 1970 to 2069. The name of the day is not checked
 * against the date.
 */
export function parseHttpDate(text: string): number {
  for (const format of DATE_FORMATS) {
    const groups = format.exec(text)?.groups;
    if (groups === undefined) continue;
    const day = Number(groups.day), hour = Number(groups.hour);
    const minute = Number(groups.minute), second = Number(groups.second);
    // The second 60 is a leap second.
    if (hour > 23 || minute > 59 || second > 60) return NaN;
    let year = Number(groups.year);
    if (year < 100) year += year < 70 ? 2000 : 1900;
    const month = MONTHS.indexOf(groups.month);
    const midnight = Date.UTC(year, month, day);
    // A day that the month does not have comes out as one of the next.
    if (day === 0 || new Date(midnight).getUTCMonth() !== month) return NaN;
    return midnight + ((hour * 60 + minute) * 60 + second) * 1000;
  }
  return NaN;
}
