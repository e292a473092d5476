// Content types as they are sent, each with what we read in it.

/** A `Content-Type`. */
export interface WorldType {
  /** What all rows of a kind have in common; differences are named by it. */
  kind: string;
  value: string;
  /** Media type and charset; "" for none. */
  ours: string;
}

const typed = (type: string, charset = "") => `${type} ${charset}`;

function rows(kind: string, all: Record<string, string>): WorldType[] {
  return Object.entries(all).map(([value, ours]) => ({ kind, value, ours }));
}

/** All of them. */
export const worldTypes: WorldType[] = [
  ...rows("plain", {
    "text/html": typed("text/html"),
    "text/html; charset=utf-8": typed("text/html", "utf-8"),
    "text/html;charset=utf-8": typed("text/html", "utf-8"),
    "text/html ; charset=utf-8": typed("text/html", "utf-8"),
    "text/html;  charset=utf-8": typed("text/html", "utf-8"),
    "text/html;\tcharset=utf-8": typed("text/html", "utf-8"),
    'text/html; charset="utf-8"': typed("text/html", "utf-8"),
    "TEXT/HTML; CHARSET=UTF-8": typed("text/html", "utf-8"),
    "Text/Html; Charset=ISO-8859-1": typed("text/html", "iso-8859-1"),
    "application/json": typed("application/json"),
    "application/problem+json; charset=utf-8": typed(
      "application/problem+json",
      "utf-8",
    ),
    "image/svg+xml": typed("image/svg+xml"),
    "multipart/form-data; boundary=x": typed("multipart/form-data"),
    "text/plain; format=flowed; charset=us-ascii": typed(
      "text/plain",
      "us-ascii",
    ),
    "text/plain; charset=gbk; x=y": typed("text/plain", "gbk"),
    'text/plain; x="a;b"; charset=gbk': typed("text/plain", "gbk"),
    'text/plain; x="a\\"b"; charset=gbk': typed("text/plain", "gbk"),
    "application/vnd.a.b-c+d": typed("application/vnd.a.b-c+d"),
    "x-a/y_b": typed("x-a/y_b"),
  }),
  ...rows("a semicolon too many", {
    "text/html;": typed("text/html"),
    "text/html; ": typed("text/html"),
    "text/html;; charset=utf-8": typed("text/html", "utf-8"),
    "text/html; charset=utf-8;": typed("text/html", "utf-8"),
  }),
  ...rows("single quotes", {
    "text/html; charset='utf-8'": typed("text/html", "utf-8"),
    "text/html; charset=\"'utf-8'\"": typed("text/html", "utf-8"),
  }),
  ...rows("white space around the equals sign", {
    "text/html; charset = utf-8": typed("text/html", "utf-8"),
    "text/html; charset= utf-8": typed("text/html", "utf-8"),
  }),
  ...rows("a charset twice", {
    "text/html; charset=gbk; charset=utf-8": typed("text/html", "gbk"),
  }),
  ...rows("a charset of nothing", {
    "text/html; charset=": typed("text/html"),
    'text/html; charset=""': typed("text/html"),
    "text/html; charset": typed("text/html"),
  }),
  ...rows("a charset that is none", {
    "text/html; charset=%s": typed("text/html", "%s"),
    "text/html; charset=none": typed("text/html", "none"),
  }),
  ...rows("a name that only holds that word", {
    "text/html; xcharset=gbk": typed("text/html"),
    "text/html; x=charset": typed("text/html"),
    'text/html; x="; charset=gbk"': typed("text/html"),
  }),
  ...rows("a comma for a semicolon", {
    "text/html, charset=utf-8": typed("text/html, charset=utf-8"),
  }),
  ...rows("no media type", {
    "html": typed("html"),
    "charset=utf-8": typed("charset=utf-8", "utf-8"),
    "text/": typed("text/"),
    "/html": typed("/html"),
  }),
  ...rows("white space around it", {
    " text/html": typed("text/html"),
    "text/html ": typed("text/html"),
    "text /html": typed("text /html"),
  }),
];
