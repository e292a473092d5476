// Forms as programs send them, each with what we make of it.

/** A part of a form: name, file name or null, data of one character a byte. */
export type FormPart = [name: string, filename: string | null, data: string];

/** A body of `multipart/form-data; boundary=b`, one character a byte. */
export interface WorldForm {
  /** What all rows of a kind have in common; differences are named by it. */
  kind: string;
  body: string;
  /** Its parts; null where it is refused. */
  ours: FormPart[] | null;
}

const part = (disposition: string, data = "x", lines = "") =>
  `--b\r\nContent-Disposition: ${disposition}\r\n${lines}\r\n${data}\r\n`;
const END = "--b--\r\n";
const one = (disposition: string, data?: string, lines?: string) =>
  part(disposition, data, lines) + END;

function named(
  kind: string,
  all: Record<string, [name: string, filename?: string] | null>,
): WorldForm[] {
  return Object.entries(all).map(([disposition, names]) => ({
    kind,
    body: one(`form-data; ${disposition}`),
    ours: names && [[names[0], names[1] ?? null, "x"]],
  }));
}

function bodies(
  kind: string,
  all: Record<string, FormPart[] | null>,
): WorldForm[] {
  return Object.entries(all).map(([body, ours]) => ({ kind, body, ours }));
}

const A = 'form-data; name="a"';
const X: FormPart[] = [["a", null, "x"]];

/** All of them. */
export const worldForms: WorldForm[] = [
  ...named("browsers", {
    'name="a"': ["a"],
    'name=""': [""],
    'name="a b"': ["a b"],
    'name="a;b"': ["a;b"],
    'name="a"; filename="b.txt"': ["a", "b.txt"],
    'name="a"; filename="b;c=d.txt"': ["a", "b;c=d.txt"],
    'name="\xc3\xbc"; filename="\xe2\x82\xac.txt"': ["ü", "€.txt"],
    'name="a%22b"; filename="c%22d%0D%0A"': ['a"b', 'c"d\r\n'],
    'name="a%20b"; filename="c%41"': ["a%20b", "c%41"],
  }),
  ...named("an empty file name", { 'name="a"; filename=""': ["a", ""] }),
  ...named("a path in a file name", {
    'name="a"; filename="C:\\dir\\b.txt"': ["a", "C:\\dir\\b.txt"],
    'name="a"; filename="b\\c"': ["a", "b\\c"],
    'name="a"; filename="/etc/passwd"': ["a", "/etc/passwd"],
  }),
  ...named("a backslash at the end of a name", {
    'name="a"; filename="b\\"': ["a", "b\\"],
  }),
  ...named("backslashes that escape, of Go, aiohttp and curl", {
    'name="a\\"b"': ['a"b'],
    'name="a"; filename="b\\"c.txt"': ["a", 'b"c.txt'],
    'name="a"; filename="b\\\\c.txt"': ["a", "b\\c.txt"],
    'name="a"; filename="\\"\\""': ["a", '""'],
  }),
  ...named("names without quotes, of .NET", {
    "name=a": ["a"],
    "name=a; filename=b.png": ["a", "b.png"],
  }),
  ...named("filename* beside filename, of .NET", {
    "name=a; filename=b.png; filename*=utf-8''b.png": ["a", "b.png"],
    "name=a; filename*=utf-8''c.png; filename=b.png": ["a", "b.png"],
    'name="a"; filename="=?utf-8?B?w7w=?="; filename*=utf-8\'\'%C3%BC': [
      "a",
      "=?utf-8?B?w7w=?=",
    ],
  }),
  ...named("filename* alone", {
    "name=a; filename*=utf-8''b.png": null,
    "name=\"a\"; filename*=UTF-8'en'b": null,
  }),
  ...named("a file name that is not UTF-8", {
    'name="a"; filename="\xe9t\xe9.txt"': ["a", "été.txt"],
    'name="a"; filename="\x80.txt"': ["a", "€.txt"],
  }),
  ...named("a name that is not UTF-8", { 'name="\xe9"': null }),
  ...named("other parameters", {
    'name="a"; size=7': ["a"],
    'name="a"; x="y;z"; filename="b"': ["a", "b"],
    'filename="b"; name="a"': ["a", "b"],
    'NAME="a"; FileName="b"': ["a", "b"],
    'name="a";filename="b"': ["a", "b"],
    'name="a" ; filename="b"': ["a", "b"],
  }),
  ...named("a semicolon too many", {
    'name="a";': ["a"],
    'name="a"; ; filename="b"': ["a", "b"],
  }),
  ...named("a parameter twice", {
    'name="a"; name="b"': null,
    'name="a"; filename="b"; filename="c"': null,
  }),
  ...named("no name", { 'filename="b"': null, "x=y": null, "": null }),
  ...named("quotes that do not end", { 'name="a': null, 'name="a"b': null }),
  ...bodies("another disposition, or none", {
    [one('attachment; name="a"')]: null,
    ["--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END]: null,
    ["--b\r\n\r\nx\r\n" + END]: null,
  }),
  ...bodies("other fields of a part", {
    [one(A, "x", "Content-Type: text/plain\r\n")]: X,
    [one(A, "x", "X-Y: z\r\n")]: X,
    [one(A, "x", "content-type:text/plain; charset=utf-8\r\n")]: X,
    [one(A, "x", "Content-Length: 1\r\n")]: X,
    [one(A, "x", "Content-Transfer-Encoding: binary\r\n")]: X,
    [one(A, "x", "Content-Transfer-Encoding: 8bit\r\n")]: X,
  }),
  ...bodies("data in a coding of mail", {
    [one(A, "eA==", "Content-Transfer-Encoding: base64\r\n")]: null,
    [one(A, "=78", "Content-Transfer-Encoding: quoted-printable\r\n")]: null,
  }),
  ...bodies("folded fields, of Java mail", {
    [one('form-data; name="a";\r\n\tfilename="b"')]: [["a", "b", "x"]],
    [one('form-data;\r\n name="a"')]: X,
  }),
  ...bodies("data of all kinds", {
    [one(A, "")]: [["a", null, ""]],
    [one(A, "x\r\ny")]: [["a", null, "x\r\ny"]],
    [one(A, "\r\n")]: [["a", null, "\r\n"]],
    [one(A, "x--b")]: [["a", null, "x--b"]],
    [one(A, "x\r\n--")]: [["a", null, "x\r\n--"]],
    [one(A, "x\r\n-b")]: [["a", null, "x\r\n-b"]],
    [one(A, "x\n--b\ny")]: [["a", null, "x\n--b\ny"]],
    [part(A) + part(A, "y") + END]: [...X, ["a", null, "y"]],
  }),
  ...bodies("data that begins with a delimiter", { [one(A, "--b")]: null }),
  ...bodies("no part", { [END]: [] }),
  ...bodies("white space behind a delimiter", {
    [one(A).replace("--b\r\n", "--b \t\r\n")]: X,
    [part(A) + "--b-- \r\n"]: X,
  }),
  ...bodies("no line end behind the last delimiter", {
    [part(A) + "--b--"]: X,
  }),
  ...bodies("text before the first delimiter", {
    ["preamble\r\n" + one(A)]: null,
  }),
  ...bodies("an empty line before the first delimiter", {
    ["\r\n" + one(A)]: X,
  }),
  ...bodies("text behind the last delimiter", { [one(A) + "epilogue"]: X }),
  ...bodies("no last delimiter", {
    [part(A)]: null,
    [part(A) + "--b\r\n"]: null,
    [part(A).slice(0, -2)]: null,
    "": null,
  }),
  ...bodies("lines in LF", {
    [one(A).replaceAll("\r\n", "\n")]: null,
    [one(A).replace('"a"\r\n', '"a"\n')]: null,
  }),
  ...bodies("fields that are none", {
    [one(A, "x", "X\r\n")]: null,
    [one(A, "x", "X : y\r\n")]: null,
    [one(A, "x", "X: \0\r\n")]: null,
  }),
];
