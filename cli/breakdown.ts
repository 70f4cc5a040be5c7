import type { Report } from "#contract/report.ts";
import { escapeControl } from "./escape.ts";
import { count, formatBytes, formatTable } from "./format.ts";

/** What was kept by the kind of its reason, what was removed by its owner, and the application's directories, as tables. */
export function breakdown({ kept, removed, application }: Report): string {
  const reasons = Object.entries(kept).sort(([, a], [, b]) => b.bytes - a.bytes || b.entries - a.entries);
  return [
    ...section(
      "kept, by reason",
      reasons.map(([kind, { entries, bytes }]) => [kind, entriesText(entries), formatBytes(bytes)]),
    ),
    ...section(
      "removed, by owner",
      removed.map(({ owner, entries, bytes }) => [owner ?? "no package", entriesText(entries), formatBytes(bytes)]),
    ),
    ...section(
      "application",
      application.map(({ path, reason, files, bytes }) => [path, count(files, "file"), formatBytes(bytes), reason]),
    ),
  ].join("");
}

const entriesText = (entries: number): string => (entries === 1 ? "1 entry" : `${entries} entries`);

function section(title: string, rows: string[][]): string[] {
  if (rows.length === 0) return [];
  return [
    `  ${title}\n`,
    `${formatTable(rows.map(([name = "", ...cells]) => [`    ${escapeControl(name)}`, ...cells.map(escapeControl)]))}\n`,
  ];
}
