import { OCTET_TYPE } from "../parse/response_data.ts";

const TEXT = "; charset=utf-8";

const TYPES: Readonly<Record<string, string>> = {
  aac: "audio/aac",
  avif: "image/avif",
  bmp: "image/bmp",
  css: "text/css" + TEXT,
  csv: "text/csv" + TEXT,
  epub: "application/epub+zip",
  gif: "image/gif",
  gz: "application/gzip",
  htm: "text/html" + TEXT,
  html: "text/html" + TEXT,
  ico: "image/vnd.microsoft.icon",
  ics: "text/calendar" + TEXT,
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript" + TEXT,
  json: "application/json",
  jsonld: "application/ld+json",
  m4a: "audio/mp4",
  m4v: "video/mp4",
  map: "application/json",
  md: "text/markdown" + TEXT,
  mid: "audio/midi",
  mjs: "text/javascript" + TEXT,
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  mpeg: "video/mpeg",
  ndjson: "application/x-ndjson",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  ogv: "video/ogg",
  opus: "audio/ogg",
  otf: "font/otf",
  pdf: "application/pdf",
  png: "image/png",
  rtf: "application/rtf",
  svg: "image/svg+xml",
  tar: "application/x-tar",
  tif: "image/tiff",
  tiff: "image/tiff",
  ts: "text/plain" + TEXT,
  tsv: "text/tab-separated-values" + TEXT,
  ttf: "font/ttf",
  txt: "text/plain" + TEXT,
  vtt: "text/vtt" + TEXT,
  wasm: "application/wasm",
  wav: "audio/wav",
  weba: "audio/webm",
  webm: "video/webm",
  webmanifest: "application/manifest+json",
  webp: "image/webp",
  woff: "font/woff",
  woff2: "font/woff2",
  xhtml: "application/xhtml+xml",
  xml: "application/xml",
  yaml: "application/yaml",
  yml: "application/yaml",
  zip: "application/zip",
};

/** The content type that goes with a file's extension. */
export function contentTypeOf(path: string): string {
  const slash = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  const name = path.slice(slash + 1);
  const dot = name.lastIndexOf("."); // a name that begins with it has no other
  const extension = dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
  return Object.hasOwn(TYPES, extension) ? TYPES[extension] : OCTET_TYPE;
}
