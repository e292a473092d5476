/** What a listing goes by. */
export const ORDERS = ["name", "size", "time"] as const;
/** One of {@linkcode ORDERS}. */
export type Order = typeof ORDERS[number];

/** Characters of what is searched for. */
const MAX_SEARCH = 100;

const collator = new Intl.Collator("en", { numeric: true });

/** An entry of a listing. */
export interface Entry {
  /** The name. */
  name: string;
  /** Whether it is a folder. */
  isFolder: boolean;
  /** Bytes; 0 for a folder. */
  size: number;
  /** When it was last changed. */
  modified: Date | null;
}

/** What somebody wants to see of a folder. */
export interface View {
  /** What goes first. */
  order: Order;
  /** Whether it goes from the last to the first. */
  isReversed: boolean;
  /** What names have in them, in small letters. */
  search: string;
}

/** The view that a query asks for: `?sort=-size&q=part`. */
export function viewOf(query: Readonly<Record<string, unknown>>): View {
  const sort = typeof query.sort === "string" ? query.sort : "";
  const search = typeof query.q === "string" ? query.q : "";
  const name = sort.replace(/^-/, "");
  return {
    order: ORDERS.find((order) => order === name) ?? "name",
    isReversed: sort.startsWith("-"),
    search: search.trim().slice(0, MAX_SEARCH).toLowerCase(),
  };
}

/** The query of a view; "" for the usual one. */
export function queryOf({ order, isReversed, search }: View): string {
  const parts: string[] = [];
  if (order !== "name" || isReversed) {
    parts.push(`sort=${isReversed ? "-" : ""}${order}`);
  }
  if (search !== "") {
    parts.push(`q=${encodeURIComponent(search.toWellFormed())}`);
  }
  return parts.length === 0 ? "" : "?" + parts.join("&");
}

/** Puts entries in order: folders first, always. */
export function sortEntries(entries: Entry[], view: View): void {
  const sign = view.isReversed ? -1 : 1;
  const byName = (a: Entry, b: Entry) =>
    collator.compare(a.name, b.name) || (a.name < b.name ? -1 : 1);
  const compare: Record<Order, (a: Entry, b: Entry) => number> = {
    name: byName,
    size: (a, b) => a.size - b.size || sign * byName(a, b),
    time: (a, b) =>
      (a.modified?.getTime() ?? 0) - (b.modified?.getTime() ?? 0) ||
      sign * byName(a, b),
  };
  const by = compare[view.order];
  entries.sort((a, b) =>
    Number(b.isFolder) - Number(a.isFolder) || sign * by(a, b)
  );
}
