import type { WinnowError } from "#contract/error.ts";
import type { OpenQuestion, Report, Verdict, Warning } from "#contract/report.ts";
import { escapeControl, escapeLines } from "./escape.ts";
import { count, formatBytes, formatDuration, formatRatio, formatTable } from "./format.ts";

/** What each verdict means to the person who reads it. */
const meaning: Record<Verdict, string> = {
  verified: "the slim image answers as the fat one does",
  repaired: "the slim image answers as the fat one does, after files were added",
  failed: "the slim image does not answer as the fat one does",
  "not-exercised": "nothing exercised the application, so nothing is proven",
};

const shownWarnings = 10;

type Shown = { report: Report; jobId: string; artifactsPath: string };

/** The result of a slim or profile job for a person: sizes never without their verdict, nothing from the image unescaped. */
export function summarise({ report, jobId, artifactsPath }: Shown): string {
  const { fat, slim, verdict, verdictReason, ratio, observation } = report;
  const rows: string[][] = [["image", escapeControl(fat.reference)]];
  if (slim && verdict) {
    const factor = ratio === null ? "" : ` (${formatRatio(ratio, verdict)})`;
    rows.push(["size", `${formatBytes(fat.rootfsBytes)} → ${formatBytes(slim.rootfsBytes)}${factor}`]);
    rows.push(["verdict", `${verdict}: ${escapeControl(verdictReason ?? meaning[verdict])}`]);
  } else {
    rows.push(["size", formatBytes(fat.rootfsBytes)]);
  }
  if (observation) rows.push(["files", usedLine(observation)]);
  if (report.repairs.length > 0) rows.push(["repaired", escapeControl(firstOf(report.repairs, 3))]);
  for (const { pattern, entries, bytes } of report.excluded)
    rows.push(["excluded", escapeControl(`${pattern}: ${entries} entries, ${formatBytes(bytes)}`)]);
  if (slim && slim.tags.length > 0)
    rows.push([slim.tags.length === 1 ? "tag" : "tags", escapeControl(slim.tags.join(", "))]);
  rows.push([
    "stages",
    report.stages.map(({ stage, durationMs }) => `${stage} ${formatDuration(durationMs)}`).join(", "),
  ]);
  rows.push(["total", formatDuration(report.job.finishedAt - report.job.startedAt)]);
  rows.push(["report", `winnow report ${jobId}`]);
  rows.push(["artifacts", artifactsPath]);
  return [
    formatTable(indented(rows)),
    ...warningLines([...report.warnings, ...(observation?.warnings ?? [])]),
    ...openLines(observation?.openQuestions ?? []),
    nextStep(report, jobId),
  ].join("\n");
}

/** docker-stfd's counters: `used 80 files (10.0 MiB), unused 720 files (90.0 MiB)`. */
export function usedLine({
  filesUsed,
  bytesUsed,
  filesUnused,
  bytesUnused,
}: NonNullable<Report["observation"]>): string {
  return `used ${count(filesUsed, "file")} (${formatBytes(bytesUsed)}), unused ${count(filesUnused, "file")} (${formatBytes(bytesUnused)})`;
}

/** A fault for a person: what happened to what, and what to do now. */
export function describeError({ message, hint }: Pick<WinnowError, "message" | "hint">): string {
  return escapeLines(hint === "" ? `error: ${message}` : `error: ${message}\nhint:  ${hint}`);
}

/** The document that `--json` prints instead of a result. */
export function errorDocument({ code, message, hint }: Pick<WinnowError, "code" | "message" | "hint">) {
  return { error: { code, message, hint } };
}

function warningLines(warnings: Warning[]): string[] {
  const texts = [...new Set(warnings.map(({ text }) => text))];
  const more = texts.length - shownWarnings;
  return [
    ...texts.slice(0, shownWarnings).map((text) => `  warning    ${escapeControl(text)}`),
    ...(more > 0 ? [`  warning    and ${count(more, "warning")} more in the report`] : []),
  ];
}

/** How many questions of each kind the observation leaves open; the report has them all. */
function openLines(questions: readonly OpenQuestion[]): string[] {
  const kinds: [OpenQuestion["kind"], string][] = [
    ["endpoint", "endpoint answered with an error"],
    ["executable", "executable never ran"],
    ["still-growing", "scenario used new files until its end"],
  ];
  const parts = kinds.flatMap(([kind, text]) => {
    const number = questions.filter((question) => question.kind === kind).length;
    const [noun = "", ...rest] = text.split(" ");
    return number === 0 ? [] : [`${count(number, noun)} ${rest.join(" ")}`];
  });
  return parts.length === 0 ? [] : [`  open       ${parts.join(", ")} (openQuestions in the report)`];
}

function nextStep({ verdict, slim, job }: Report, jobId: string): string {
  if (job.kind === "profile")
    return "  next       winnow slim with the same options builds and verifies the slim image";
  const tag = slim?.tags[0];
  switch (verdict) {
    case "verified":
    case "repaired":
      return tag
        ? `  next       docker run ${escapeControl(tag)}`
        : `  next       winnow report ${jobId} --files removed`;
    case "not-exercised":
      return "  next       exercise it: --http-probe-cmd, --exec, or a command after --";
    case "failed":
    case null:
      return `  next       winnow report ${jobId} --files removed, then --include-path for what was missing`;
  }
}

function firstOf(items: string[], shown: number): string {
  const rest = items.length - shown;
  return `${items.slice(0, shown).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

const indented = (rows: string[][]) => rows.map(([name = "", ...cells]) => [`  ${name.padEnd(9)}`, ...cells]);
