import { sampleNames } from "../images/build.ts";
import type { Bench, Group } from "./bench.ts";
import { percentile, sizeGoals } from "./held-out-figures.ts";
import { type HeldOutRow, measureHeldOut, type ProfileRow } from "./held-out-sample.ts";
import { median, megabytes, table, verdictOf } from "./table.ts";

type Failure = { name: string; error: string };

/** Entries that are named of what a failing image lacks; the JSON file has all. */
const namedEntries = 6;

/** What profiles keep for an endpoint that nothing exercised, and what they weigh: docs/bench.md. */
export const heldOut: Group = async (bench) => {
  const names = bench.samples.length > 0 ? bench.samples : sampleNames();
  const rows: HeldOutRow[] = [];
  const failed: Failure[] = [];
  for (const name of names) {
    bench.say(`held-out: ${name}`);
    try {
      rows.push(await measureHeldOut(name, bench.profiles, bench));
    } catch (error) {
      bench.signal.throwIfAborted();
      failed.push({ name, error: String(error) });
    }
  }
  return {
    title: "Held-out endpoints: each left out of the exercise in turn, the functional check on what the rest keeps",
    text: [
      sampleTable(rows),
      "",
      summaryTable(rows, bench),
      ...failed.map(({ name, error }) => `${name}: FAILED: ${error}`),
      ...rows.flatMap(describeRow),
    ].join("\n"),
    notes: [
      "held out: endpoints whose absence from the exercise the check does not notice, of all. No verification and no repair: a job does more.",
      "bound: what the files hold that the original opens for all endpoints, by a record from outside the container. kept: all endpoints exercised. Goals: exact within 1.02 of the bound; safe and package median 1.08, nine in ten 1.25; held out safe all.",
      "missed: files of that record that exact, with all endpoints exercised, does not keep. Goal: 0.",
    ],
    data: { profiles: bench.profiles, rows, failed },
    unmeasured: failed.length,
  };
};

const share = ({ outcomes }: Pick<ProfileRow, "outcomes">): string =>
  `${outcomes.filter(({ passed }) => passed).length}/${outcomes.length}`;

const sampleTable = (rows: readonly HeldOutRow[]): string =>
  table(
    ["image", "profile", "held out", "all given", "sets", "bound bytes", "kept bytes", "of bound", "opened", "missed"],
    rows.flatMap(({ name, boundBytes, opened, missed, profiles }) =>
      profiles.map((row) => [
        name,
        row.profile,
        share(row),
        row.whole.length === 0 ? "passes" : "FAILS",
        row.distinct,
        boundBytes,
        row.keptBytes,
        row.ratio.toFixed(3),
        opened,
        missed.length,
      ]),
    ),
  );

function summaryTable(rows: readonly HeldOutRow[], { profiles }: Bench): string {
  return table(
    ["profile", "held out", "share", "median of bound", "90th percentile", "goals"],
    profiles.map((profile) => {
      const theirs = rows.flatMap((row) => row.profiles.filter((one) => one.profile === profile));
      const outcomes = theirs.flatMap((row) => row.outcomes);
      const passed = outcomes.filter((outcome) => outcome.passed).length;
      const ratios = theirs.map(({ ratio }) => ratio);
      const isComplete = profile === "exact" || outcomes.length === 0 ? undefined : passed === outcomes.length;
      return [
        profile,
        share({ outcomes }),
        outcomes.length > 0 ? `${((100 * passed) / outcomes.length).toFixed(1)} %` : undefined,
        ratios.length > 0 ? median(ratios).toFixed(3) : undefined,
        ratios.length > 0 ? percentile(ratios, 0.9).toFixed(3) : undefined,
        verdictOf([{ name: "held out", isMet: isComplete }, ...sizeGoals(profile, ratios)]),
      ];
    }),
  );
}

/** What went wrong with a sample, line by line, and what makes it large. */
function describeRow({ name, missed, profiles }: HeldOutRow): string[] {
  return [
    ...missed.map((path) => `${name}: missed by the sensor: ${path}`),
    ...profiles.flatMap(({ profile, whole, outcomes, additions }) => [
      ...whole.map((failure) => `${name} ${profile}: with all endpoints: ${shortened(failure)}`),
      ...outcomes
        .filter(({ passed }) => !passed)
        .map(
          ({ endpoint, failures, lacking }) =>
            `${name} ${profile}: without ${endpoint}: ${failures.map(shortened).join("; ")}; lacks ${listed(lacking)}`,
        ),
      ...additions
        .slice(0, 5)
        .map(
          ({ by, bytes, largest }) =>
            `${name} ${profile}: beyond the bound ${megabytes(bytes)} MB by ${by}: ${listed(largest.map(({ path }) => path))}`,
        ),
    ]),
  ];
}

const listed = (paths: readonly string[]): string =>
  `${paths.slice(0, namedEntries).join(" ")}${paths.length > namedEntries ? ` and ${paths.length - namedEntries} more` : ""}`;

/** A failure quotes whole answers and logs; the JSON file has them. */
function shortened(failure: string): string {
  const line = failure.replace(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
