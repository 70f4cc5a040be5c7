import { explainHop } from "#runner/report/explain.ts";
import { ownerName } from "#runner/report/package-owners.ts";
import { escapeControl } from "../escape.ts";
import { formatBytes, formatTable } from "../format.ts";
import type { Why } from "./answer.ts";

const shownOthers = 5;

/** The answer for a person: the chain in the first line, what else is known below it, nothing from the image unescaped. */
export function whyText(why: Why): string {
  const { owner } = why;
  const belongs = owner ? `of package ${ownerName(owner)}` : "of no package";
  const fact = `${why.type}${why.type === "file" ? `, ${formatBytes(why.sizeBytes)}` : ""}, ${belongs}`;
  const counts = owner ? ` (${owner.kept.files} of ${owner.kept.files + owner.removed.files} files kept)` : "";
  const rows: string[][] = why.links.map(({ path, target, kept, sentence }) => [
    "link",
    `${path} → ${target}${sentence === null ? (kept ? "" : "  (removed)") : `  (${afterName(sentence, path)})`}`,
  ]);
  if (why.dangling !== null) rows.push(["leads to", `${why.dangling}, which is not in the image`]);
  rows.push([why.kept ? "kept" : "removed", `${fact}${why.kept ? counts : ""}`]);
  for (const { text } of why.causes) rows.push(["because", text]);
  const others = why.others.slice(0, shownOthers).map(explainHop);
  const more = why.others.length - others.length;
  if (others.length > 0) rows.push(["also", `${others.join(", ")}${more > 0 ? ` and ${more} more` : ""}`]);
  if (why.nearest) rows.push(["nearest", why.nearest.sentence]);
  if (!why.kept && !why.causes.some(({ code }) => code === "made-by-engine"))
    rows.push(["keep it", `with --include-path '${why.path}'`]);
  const head = why.sentence ?? `${why.path} was not kept`;
  const table = formatTable(rows.map(([name = "", text = ""]) => [`  ${name.padEnd(9)}`, escapeControl(text)]));
  return `${escapeControl(head)}\n${table}`;
}

const afterName = (sentence: string, path: string): string => sentence.slice(path.length + " ← ".length);
