import { type Contents, encodeSegment, urlPathOf } from "./folder.ts";
import { type Entry, type Order, queryOf, type View } from "./listing_view.ts";
import { sizeText } from "./sizes.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Text for a page: no name is taken for markup, or looks like another one as it
 * turns the direction of text.
 */
export function escapeHtml(text: string): string {
  return text.toWellFormed().replace(/[&<>"']/g, (char) => ESCAPES[char])
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

/** Fields that go with every page: it needs no script, and gets none. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  // With none at all, a form would not say where it comes from.
  "referrer-policy": "same-origin",
};

function icon(body: string, color: string): string {
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20' ` +
    `fill='${color}'>${body}</svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

const FOLDER_SHAPE =
  "<path d='M2 5a2 2 0 0 1 2-2h3.5l2 2H16a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2z'/>";
const FILE_SHAPE =
  "<path d='M5 2h6v5h5v9.5a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 4 16.5v-13A1.500 1.500 0 0 1 5.500 2zM12.200 2.300 15.700 5.800H12.200z'/>";

const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1f2733; --faint: #66738a; --line: #e4e9f0; --page: #f5f7fa;
  --card: #fff; --hover: #f0f5ff; --link: #1d5fd0;
  --folder: ${icon(FOLDER_SHAPE, "#3b82f6")};
  --file: ${icon(FILE_SHAPE, "#a3aec0")};
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e3e8f0; --faint: #93a0b5; --line: #2b3340; --page: #12161c;
    --card: #1a2029; --hover: #222b38; --link: #8ab4ff;
    --folder: ${icon(FOLDER_SHAPE, "#6ea3f7")};
    --file: ${icon(FILE_SHAPE, "#5f6b7f")};
  }
}
* { box-sizing: border-box }
body {
  max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 3rem;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
  color: var(--text); background: var(--page);
}
a { color: var(--link); text-decoration: none }
a:hover, a:focus-visible { text-decoration: underline }
h1 { margin: 0 0 1rem; font-size: 1.3rem; font-weight: 600;
  overflow-wrap: anywhere }
h1 span { color: var(--faint); font-weight: 400; padding: 0 .15em }
.card { background: var(--card); border: 1px solid var(--line);
  border-radius: .7rem }
table { width: 100%; border-collapse: collapse }
th { font-size: .8rem; font-weight: 500; color: var(--faint);
  text-align: left; border-bottom: 1px solid var(--line) }
th, td { padding: .45rem 1rem }
td { border-top: 1px solid var(--line) }
tbody tr:first-child td { border-top: 0 }
th a { color: inherit }
tbody tr:hover { background: var(--hover) }
th:first-child, td:first-child { width: 100%; overflow-wrap: anywhere }
td:first-child a { display: block; padding-left: 1.8rem; min-height: 1.5rem;
  background: var(--file) 0 .15rem / 1.2rem no-repeat }
td.folder a { background-image: var(--folder) }
.size, .date { white-space: nowrap; color: var(--faint);
  font-variant-numeric: tabular-nums }
.size { text-align: right }
.note { padding: 1.5rem 1rem; margin: 0; color: var(--faint);
  text-align: center }
pre { margin: 0; padding: 1rem; overflow-x: auto; font-size: .85rem }
footer { margin: .8rem 1rem; font-size: .85rem; color: var(--faint) }
footer .all { float: right }
form { display: flex; flex-wrap: wrap; gap: .8rem; align-items: center;
  margin: 1rem 0; padding: .8rem 1rem }
input { flex: 1; min-width: 12rem; font: inherit; font-size: .9rem;
  color: inherit }
button { padding: .35rem 1.1rem; border: 0; border-radius: .5rem; font: inherit;
  color: #fff; background: #1d5fd0; cursor: pointer }
button:hover { background: #174fb0 }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem;
  align-items: center; margin-bottom: 1rem }
header h1 { flex: 1 1 auto; margin: 0 }
form.search { flex: 0 1 16rem; margin: 0; padding: 0; flex-wrap: nowrap }
form.search input { min-width: 0; width: 100%; padding: .35rem .8rem;
  border: 1px solid var(--line); border-radius: .5rem;
  background: var(--card) }
.more { padding: 0 .6rem 0 0 }
tr:last-child td:first-child { border-bottom-left-radius: .7rem }
tr:last-child td:last-child { border-bottom-right-radius: .7rem }
.more summary { padding: .3rem .5rem; cursor: pointer; list-style: none;
  color: var(--faint); border-radius: .5rem }
.more details { position: relative }
.more form { position: absolute; right: 0; z-index: 1; margin: 0; width: 17rem;
  background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  box-shadow: 0 .3rem 1rem #0003 }
.more input { flex: 1 1 100%; padding: .35rem .6rem; color: inherit;
  background: var(--page); border: 1px solid var(--line); border-radius: .4rem }
.more button { flex: 1 }
button.bad { background: #b3261e }
button.bad:hover { background: #8f1d17 }
@media (max-width: 36rem) { .date { display: none } }
`.trim();

function page(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>
${STYLE}
</style>
${body}
</html>
`;
}

/** What a listing shows beside the entries. */
export interface ListingOptions {
  /** The names on the way to the folder. */
  segments: readonly string[];
  /** Whether to offer a form for uploads. */
  hasUpload: boolean;
  /** Whether to offer to rename and to delete. */
  mayWrite: boolean;
  /** Whether to offer all of it in one piece. */
  hasArchives: boolean;
  /** What is wanted of it. */
  view: View;
}

/** A page that lists a folder. */
export function listingPage(
  { entries, omitted }: Contents,
  { segments, hasUpload, mayWrite, hasArchives, view }: ListingOptions,
): string {
  const title = "/" + segments.map((name) => name + "/").join("");
  const rows = entries.map((entry) => row(entry, mayWrite)).join("\n");
  const table = entries.length === 0
    ? `<p class="note">${
      view.search === "" ? "Nothing here" : "Nothing here has that name"
    }</p>`
    : `<table>
<thead><tr>${column("Name", "name", view)}${column("Size", "size", view)}` +
      `${column("Changed", "time", view)}${mayWrite ? "<th></th>" : ""}` +
      `</tr></thead>
<tbody>
${rows}
</tbody>
</table>`;
  return page(
    title,
    `<header><h1>${crumbs(segments)}</h1>
${searchForm(view)}</header>
${hasUpload ? FORM : ""}<main class="card">
${table}
</main>
<footer>${summary(entries, omitted)}${hasArchives ? ALL : ""}</footer>`,
  );
}

const ALL =
  ` <span class="all">All of it as <a href="./?archive=zip">zip</a>, ` +
  `<a href="./?archive=tar">tar</a></span>`;

const FORM =
  `<form class="card" method="post" enctype="multipart/form-data" action="./">
<input type="file" name="file" multiple required aria-label="Files to upload">
<button>Upload</button>
</form>
`;

/** What finds names, without a script. */
function searchForm(view: View): string {
  const sort = queryOf({ ...view, search: "" }).replace(/^\?sort=/, "");
  const keep = sort === ""
    ? ""
    : `<input type="hidden" name="sort" value="${escapeHtml(sort)}">`;
  const clear = view.search === ""
    ? ""
    : `<a href="./${escapeHtml(queryOf({ ...view, search: "" }))}">All</a>`;
  return `<form class="search" role="search" action="./">
<input type="search" name="q" placeholder="Search here" aria-label="Search here" value="${
    escapeHtml(view.search)
  }">${keep}${clear}
</form>`;
}

/** The head of a column: it sorts by it, and then the other way round. */
function column(title: string, order: Order, view: View): string {
  const isThis = view.order === order;
  // The largest and the latest are looked for more often than the first.
  const isReversed = isThis ? !view.isReversed : order !== "name";
  const query = queryOf({ ...view, order, isReversed });
  const sorted = isThis
    ? ` aria-sort="${view.isReversed ? "descending" : "ascending"}"`
    : "";
  const mark = isThis ? (view.isReversed ? " \u2193" : " \u2191") : "";
  const kind = order === "name" ? "" : order === "size" ? "size" : "date";
  return `<th scope="col"${kind === "" ? "" : ` class="${kind}"`}${sorted}>` +
    `<a href="./${escapeHtml(query)}">${title}${mark}</a></th>`;
}

function crumbs(segments: readonly string[]): string {
  const names = ["Home", ...segments];
  return names.map((name, i) => {
    const up = segments.length - i;
    if (up === 0) return `<b>${escapeHtml(name)}</b>`;
    return `<a href="${"../".repeat(up)}">${escapeHtml(name)}</a>`;
  }).join("<span>/</span>");
}

function row(
  { name, isFolder, size, modified }: Entry,
  mayWrite: boolean,
): string {
  // With ./ in front, no name is taken for a scheme.
  const href = `./${encodeSegment(name)}${isFolder ? "/" : ""}`;
  const time = modified === null
    ? ""
    : `<time datetime="${modified.toISOString()}">${dateText(modified)}</time>`;
  return `<tr><td${isFolder ? ' class="folder"' : ""}>` +
    `<a href="${href}">${escapeHtml(name)}${isFolder ? "/" : ""}</a></td>` +
    `<td class="size">${isFolder ? "" : sizeText(size)}</td>` +
    `<td class="date">${time}</td>${mayWrite ? changing(name) : ""}</tr>`;
}

/** What renames or deletes an entry, shown when it is asked for. */
function changing(name: string): string {
  const value = escapeAttribute(name);
  return `<td class="more"><details name="more"><summary aria-label="Change">` +
    `\u22ef</summary><form method="post" action="./">` +
    `<input type="hidden" name="name" value="${value}">` +
    `<input name="to" value="${value}" required aria-label="New name">` +
    `<button name="action" value="rename">Rename</button>` +
    `<button name="action" value="delete" formnovalidate class="bad">` +
    `Delete</button></form></details></td>`;
}

/**
 * A name to be sent back as it is: what is only shown may differ. A line break,
 * which forms change, is as good as no name.
 */
function escapeAttribute(name: string): string {
  return name.toWellFormed().replace(/[&<>"']/g, (char) => ESCAPES[char]);
}

/** A date for people, where the server is. */
function dateText(date: Date): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-` +
    `${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

function summary(entries: readonly Entry[], omitted: number): string {
  const folders = entries.filter(({ isFolder }) => isFolder).length;
  const files = entries.length - folders;
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const parts: string[] = [];
  if (folders > 0) parts.push(counted(folders, "folder"));
  if (files > 0) parts.push(`${counted(files, "file")}, ${sizeText(bytes)}`);
  if (omitted > 0) parts.push(`${omitted} more that are not listed`);
  return parts.join(", ");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** A page that says what went wrong. */
export function messagePage(status: number, message: string): string {
  return page(
    `${status} ${message}`,
    `<h1><b>${status}</b></h1>
<main class="card"><p class="note">${escapeHtml(message)}</p></main>
<footer><a href="/">Home</a></footer>`,
  );
}

/** The same for programs. */
export function listingJson(
  { entries, omitted }: Contents,
  segments: readonly string[],
): string {
  return JSON.stringify({
    path: urlPathOf(segments, true),
    entries: entries.map(({ name, isFolder, size, modified }) => ({
      name,
      type: isFolder ? "folder" : "file",
      size: isFolder ? null : size,
      modified: modified?.toISOString() ?? null,
    })),
    omitted,
  }) + "\n";
}

/** A page that says what was asked. */
export function echoPage(method: string, path: string, json: string): string {
  return page(
    `${method} ${path}`,
    `<h1><b>${escapeHtml(method)}</b> <span>${escapeHtml(path)}</span></h1>
<main class="card"><pre>${
      json.split("\n").map(escapeHtml).join("\n")
    }</pre></main>`,
  );
}
