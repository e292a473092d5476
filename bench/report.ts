// Samples to tables.
import type { Samples } from "./harness.ts";
import type { PeerName } from "./peers.ts";
import type { Bound, Metric, Sample, Scenario } from "./scenarios.ts";

/** The samples of each peer or client, by its name. */
type AnySamples = ReadonlyMap<string, readonly (Sample | null)[]>;

/** The head of a column: of a rate and a cost, by what the scenario counts. */
export function label(
  metric: Metric,
  { unit }: Pick<Scenario, "unit">,
): string {
  switch (metric) {
    case "rps":
      return `${unit}/s`;
    case "cpu":
      return `CPU us/${unit}`;
    case "core":
      return "core %";
    case "kib":
      return "KiB/conn";
    case "mib":
      return "MiB/conn";
    case "rss":
      return "RSS MiB";
    case "growth":
      return "MiB grown";
    case "p50":
    case "p99":
      return `${metric} us`;
  }
}

const SUBJECT: PeerName = "uhttp";
const BASES: readonly PeerName[] = [
  "deno_serve",
  "node_ws",
  "floor",
  "bun_serve",
];

/** A median with the values that it lies between. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle of the values; `null` of none. */
export function summarize(values: readonly number[]): Summary | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

function valuesOf(
  samples: readonly (Sample | null)[] | undefined,
  metric: Metric,
): (number | undefined)[] {
  return (samples ?? []).map((sample) => sample?.[metric]);
}

/** The metric of a peer over all rounds. */
export function summaryOf(
  samples: AnySamples,
  peer: string,
  metric: Metric,
): Summary | null {
  return summarize(
    valuesOf(samples.get(peer), metric).filter((value) => value !== undefined),
  );
}

/**
 * The median of the ratios that the rounds gave, each within its round.
 *
 * @param plus What is taken off the peer's values before.
 */
export function ratioOf(
  samples: AnySamples,
  peer: string,
  base: string,
  metric: Metric,
  plus: number = 0,
): Summary | null {
  const below = valuesOf(samples.get(base), metric);
  const ratios: number[] = [];
  valuesOf(samples.get(peer), metric).forEach((value, round) => {
    const other = below[round];
    if (value !== undefined && other !== undefined && other > 0) {
      ratios.push((value - plus) / other);
    }
  });
  return summarize(ratios);
}

/** A bound and what came of it. */
export interface Verdict {
  readonly text: string;
  readonly value: number | null;
  readonly pass: boolean | null;
}

/** Judges a bound of a scenario. */
export function judge(
  scenario: Scenario,
  samples: Samples,
  { metric, over, limit, atLeast }: Bound,
): Verdict {
  const summary = over
    ? ratioOf(samples, SUBJECT, over, metric)
    : summaryOf(samples, SUBJECT, metric);
  const wanted = `${label(metric, scenario)} of ${SUBJECT}` +
    `${over ? ` over ${over}` : ""} ${atLeast ? ">=" : "<="} ${limit}`;
  if (!summary) return { text: `----  ${wanted}`, value: null, pass: null };
  const { median, min, max } = summary;
  const pass = atLeast ? median >= limit : median <= limit;
  const text = `${pass ? "PASS" : "MISS"}  ${wanted}: ` +
    `${median.toFixed(3)} (${min.toFixed(3)} to ${max.toFixed(3)})`;
  return { text, value: median, pass };
}

/** A value as it stands in a table. */
export function formatValue(
  metric: Metric,
  value: number | undefined,
): string {
  if (value === undefined) return "-";
  if (metric === "rps" && value >= 1000) return value.toFixed(0);
  if (["core", "p50", "p99"].includes(metric)) return value.toFixed(0);
  return value.toFixed(metric === "rps" ? 1 : 2);
}

/** The table of a scenario and a line for each bound. */
export function formatReport(scenario: Scenario, samples: Samples): string {
  const bases = BASES.filter((base) => samples.has(base));
  const header = [
    "peer",
    ...scenario.metrics.map((metric) => label(metric, scenario)),
  ];
  for (const metric of scenario.ratios) {
    const unit = label(metric, scenario).split(" ")[0];
    header.push(...bases.map((base) => `${unit} / ${base}`));
  }
  const rows = [...samples.keys()].map((peer) => {
    const row = [peer as string];
    for (const metric of scenario.metrics) {
      const summary = summaryOf(samples, peer, metric);
      row.push(formatValue(metric, summary?.median));
    }
    for (const metric of scenario.ratios) {
      for (const base of bases) {
        const ratio = ratioOf(samples, peer, base, metric);
        row.push(ratio ? ratio.median.toFixed(2) : "-");
      }
    }
    return row;
  });
  const lines = [
    `${scenario.name}: ${scenario.title}`,
    ...formatTable([header, ...rows]),
  ];
  // A trial without the subject has nothing to judge.
  if (samples.has(SUBJECT)) {
    lines.push(
      ...scenario.bounds.map((bound) => judge(scenario, samples, bound).text),
    );
  }
  return lines.join("\n");
}

/** One row of a table of several scenarios. */
export interface Row {
  readonly label: string;
  readonly scenario: Scenario;
  readonly samples: Samples;
}

/** Scenarios of the same peers and metrics as the rows of one table. */
export function formatRows(rows: readonly Row[]): string {
  const { scenario } = rows[0];
  const { name, title, metrics, peers } = scenario;
  const header = [name];
  for (const metric of metrics) {
    header.push(...peers.map((peer) => `${label(metric, scenario)}, ${peer}`));
    header.push("ratio");
  }
  const cells = rows.map(({ label, samples }) => {
    const row = [label];
    for (const metric of metrics) {
      for (const peer of peers) {
        row.push(formatValue(metric, summaryOf(samples, peer, metric)?.median));
      }
      const ratio = ratioOf(samples, SUBJECT, peers[1], metric);
      row.push(ratio ? ratio.median.toFixed(2) : "-");
    }
    return row;
  });
  const verdicts = rows.flatMap(({ label, samples }) =>
    samples.has(SUBJECT)
      ? scenario.bounds.map((bound) =>
        `${judge(scenario, samples, bound).text}; ${label}`
      )
      : []
  );
  return [`${name}: ${title}`, ...formatTable([header, ...cells]), ...verdicts]
    .join("\n");
}

/** A Markdown table: the first column to the left, numbers to the right. */
export function formatTable(rows: readonly string[][]): string[] {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => row[column].length))
  );
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
    );
    return `| ${cells.join(" | ")} |`;
  });
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : "-".repeat(width - 1) + ":"
  );
  lines.splice(1, 0, `| ${rule.join(" | ")} |`);
  return lines;
}
