const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A number of bytes for people. */
export function sizeText(bytes: number): string {
  let unit = 0;
  while (bytes >= 999.5 && unit < UNITS.length - 1) {
    bytes /= 1000;
    unit++;
  }
  const digits = unit > 0 && bytes < 9.95 ? 1 : 0;
  return `${bytes.toFixed(digits)} ${UNITS[unit]}`;
}

const FACTORS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** Reads `500`, `10k`, `1.5GB` or `2GiB`; `null` if it is no size. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?) ?([kmgt]i?)?b?$/i.exec(text);
  if (match === null) return null;
  const size = Math.floor(
    Number(match[1]) * FACTORS[(match[2] ?? "").toLowerCase()],
  );
  return Number.isSafeInteger(size) ? size : null;
}

/** A time in seconds for people. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const pad = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${pad(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}
