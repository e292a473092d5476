// The tables of the matrix, and what was missed.
import {
  formatTable,
  formatValue,
  label,
  ratioOf,
  type Summary,
  summaryOf,
} from "../report.ts";
import type { Metric } from "../scenarios.ts";
import type { CellSamples } from "./measure.ts";
import { type Cell, cellLabel, type Goal, goalsOf, type Row } from "./rows.ts";

/** A cell that was measured. */
export interface Result {
  readonly cell: Cell;
  readonly samples: CellSamples;
}

/** A goal and what came of it. */
export interface Verdict {
  readonly text: string;
  /** How far it is from the goal: 1 is just met, 2 twice as much. */
  readonly distance: number;
  readonly value: number | null;
  readonly isMet: boolean;
  readonly goal: Goal;
}

const SUBJECT = "uhttp";
const METRICS: readonly Metric[] = ["cpu", "rps", "p50", "p99", "rss"];

/** What came of the goals of a cell; those with nothing to compare are out. */
export function judgeCell({ cell, samples }: Result): Verdict[] {
  return goalsOf(cell).flatMap((goal) => {
    const { metric, over, plus } = goal;
    const ratio = ratioOf(samples, SUBJECT, over, metric, plus);
    if (ratio !== null) return [verdictOf(cell, goal, ratio)];
    return didFail(samples, over, metric) ? [brokenOf(cell, goal)] : [];
  });
}

/** Whether another has a value, and the library none. */
function didFail(samples: CellSamples, over: string, metric: Metric): boolean {
  return summaryOf(samples, over, metric) !== null &&
    samples.has(SUBJECT) && summaryOf(samples, SUBJECT, metric) === null;
}

function wanted(cell: Cell, goal: Goal): string {
  const { metric, over, limit, atLeast, plus } = goal;
  return `${cellLabel(cell)}: ${label(metric, { unit: "req" })} over ${over}` +
    `${plus === undefined ? "" : ` less ${plus}`} ` +
    `${atLeast ? ">=" : "<="} ${limit}`;
}

function verdictOf(cell: Cell, goal: Goal, ratio: Summary): Verdict {
  const { limit, atLeast } = goal;
  const { median, min, max } = ratio;
  return {
    text: `${wanted(cell, goal)}: ${median.toFixed(3)} ` +
      `(${min.toFixed(3)} to ${max.toFixed(3)})`,
    distance: atLeast ? limit / median : median / limit,
    value: median,
    isMet: atLeast ? median >= limit : median <= limit,
    goal,
  };
}

function brokenOf(cell: Cell, goal: Goal): Verdict {
  return {
    text: `${wanted(cell, goal)}: it failed`,
    distance: Infinity,
    value: null,
    isMet: false,
    goal,
  };
}

/** The table of a row, and a line for each goal that is missed. */
export function formatRow(row: Row, results: readonly Result[]): string {
  const others = row.peers.filter((name) =>
    name !== SUBJECT && results.some(({ samples }) => samples.has(name))
  );
  const first = row.kind === "client" ? others : others.slice(0, 1);
  const basesOf = (metric: Metric) => metric === "cpu" ? others : first;
  const header = [
    "cell",
    ...METRICS.flatMap((metric) => [
      label(metric, { unit: "req" }),
      ...basesOf(metric).map((base) => `/ ${base}`),
    ]),
    "missed",
  ];
  const cells = results.map((result) => {
    const { cell, samples } = result;
    const missed = judgeCell(result)
      .filter(({ isMet }) => !isMet)
      .map(({ goal }) => goal.metric);
    return [
      cellLabel(cell),
      ...METRICS.flatMap((metric) => [
        formatValue(metric, summaryOf(samples, SUBJECT, metric)?.median),
        ...basesOf(metric).map((base) =>
          ratioOf(samples, SUBJECT, base, metric)?.median.toFixed(2) ?? "-"
        ),
      ]),
      [...new Set(missed)].join(" "),
    ];
  });
  const missed = results.flatMap(judgeCell).filter(({ isMet }) => !isMet);
  return [
    `${row.name}: ${row.title}`,
    ...formatTable([header, ...cells]),
    ...missed.map(({ text }) => `FAIL  ${text}`),
  ].join("\n");
}

/** How many goals are met, and which are the farthest from it. */
export function formatWorst(results: readonly Result[], most = 10): string {
  const verdicts = results.flatMap(judgeCell);
  const total = results.flatMap(({ cell }) => goalsOf(cell)).length;
  const missed = verdicts.filter(({ isMet }) => !isMet)
    .sort((a, b) => b.distance - a.distance);
  const lines = missed.slice(0, most).map(({ distance, text }) =>
    `${distance.toFixed(2).padStart(8)}  ${text}`
  );
  return [
    `${verdicts.length - missed.length} of ${verdicts.length} goals are met, ` +
    `${total - verdicts.length} have nothing to be compared with` +
    (lines.length > 0 ? "; the worst, by how many times they are off:" : ""),
    ...lines,
  ].join("\n");
}
