// Requests for parts of a file, and on conditions, each with what we answer.

/** What the file holds. */
export const CONTENT = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Fields of a request for the file. */
export interface WorldRange {
  /** What all rows of a kind have in common; differences are named by it. */
  kind: string;
  /** `{tag}` and `{time}` stand for what the file has. */
  headers: Record<string, string>;
  /** Status, `Content-Range` and body. */
  ours: string;
}

/** How an answer is written down. */
export function answered(status: number, range: string, body: string): string {
  return `${status} ${range || "-"} ${JSON.stringify(body)}`;
}

const whole = answered(200, "", CONTENT);
const part = (from: number, to: number) =>
  answered(206, `bytes ${from}-${to}/36`, CONTENT.slice(from, to + 1));
const none = answered(416, "bytes */36", "");
const same = answered(304, "", "");
const failed = answered(412, "", "");

function ranges(kind: string, all: Record<string, string>): WorldRange[] {
  return Object.entries(all).map(([range, ours]) => ({
    kind,
    headers: { range },
    ours,
  }));
}

function when(
  kind: string,
  all: [headers: Record<string, string>, ours: string][],
): WorldRange[] {
  return all.map(([headers, ours]) => ({ kind, headers, ours }));
}

const PAST = "Sat, 01 Jan 2000 00:00:00 GMT";
const FUTURE = "Tue, 01 Jan 2030 00:00:00 GMT";
const RANGE = { range: "bytes=0-4" };

/** All of them. */
export const worldRanges: WorldRange[] = [
  ...ranges("one range", {
    "bytes=0-0": part(0, 0),
    "bytes=0-4": part(0, 4),
    "bytes=5-9": part(5, 9),
    "bytes=30-": part(30, 35),
    "bytes=0-": part(0, 35),
    "bytes=-5": part(31, 35),
    "bytes=35-35": part(35, 35),
    "bytes=30-99": part(30, 35),
    "bytes=-99": part(0, 35),
    "bytes=00-04": part(0, 4),
  }),
  ...ranges("another letter case", { "Bytes=0-4": part(0, 4) }),
  ...ranges("a range behind the end", {
    "bytes=36-": none,
    "bytes=36-40": none,
    "bytes=99-": none,
    "bytes=-0": none,
  }),
  ...ranges("a range that is none", {
    "bytes=5-4": whole,
    "bytes=": whole,
    "bytes=-": whole,
    "bytes=a-b": whole,
    "bytes=0x0-4": whole,
    "bytes": whole,
    "0-4": whole,
    "bytes=0-4-5": whole,
    "bytes=+0-4": whole,
    "bytes=1.0-2": whole,
  }),
  ...ranges("another unit", { "lines=0-4": whole, "x=0-": whole }),
  ...ranges("several ranges", {
    "bytes=0-1,4-5": whole,
    "bytes=0-1, 4-5": whole,
    "bytes=0-1,99-": whole,
  }),
  ...ranges("white space in it", {
    "bytes= 0-4": part(0, 4),
    "bytes=0 -4": whole,
  }),
  ...when("If-None-Match", [
    [{ "if-none-match": "{tag}" }, same],
    [{ "if-none-match": "W/{tag}" }, same],
    [{ "if-none-match": '"x", {tag}' }, same],
    [{ "if-none-match": '"x"' }, whole],
    [{ "if-none-match": "*" }, same],
    [{ "if-none-match": "{tag}", ...RANGE }, same],
    [{ "if-none-match": '"x"', "if-modified-since": "{time}" }, whole],
  ]),
  ...when("If-Modified-Since", [
    [{ "if-modified-since": "{time}" }, same],
    [{ "if-modified-since": FUTURE }, same],
    [{ "if-modified-since": PAST }, whole],
  ]),
  ...when("a time that is none", [
    [{ "if-modified-since": "yesterday" }, whole],
    [{ "if-unmodified-since": "yesterday" }, whole],
  ]),
  ...when("If-Match", [
    [{ "if-match": "{tag}" }, whole],
    [{ "if-match": "*" }, whole],
    [{ "if-match": '"x"' }, failed],
    [{ "if-match": '"x", {tag}' }, whole],
  ]),
  ...when("If-Match with a weak tag", [[{ "if-match": "W/{tag}" }, failed]]),
  ...when("If-Unmodified-Since", [
    [{ "if-unmodified-since": "{time}" }, whole],
    [{ "if-unmodified-since": FUTURE }, whole],
    [{ "if-unmodified-since": PAST }, failed],
  ]),
  ...when("If-Range", [
    [{ "if-range": "{tag}", ...RANGE }, part(0, 4)],
    [{ "if-range": '"x"', ...RANGE }, whole],
    [{ "if-range": "{time}", ...RANGE }, part(0, 4)],
    [{ "if-range": PAST, ...RANGE }, whole],
    [{ "if-range": "W/{tag}", ...RANGE }, whole],
    [{ "if-range": "{tag}" }, whole],
  ]),
];
