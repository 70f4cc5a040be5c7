export type Cell = string | number | undefined;

/** The middle value; of an even count the mean of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const pair = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return pair.reduce((sum, value) => sum + value, 0) / pair.length;
}

/** `1.21`, and when it was measured more than once `1.21 (1.10-1.34)`: the median, and all that there was. */
export function spread(values: readonly number[], digits: number): string {
  if (values.length === 0) return "-";
  const middle = median(values).toFixed(digits);
  if (values.length === 1) return middle;
  return `${middle} (${Math.min(...values).toFixed(digits)}-${Math.max(...values).toFixed(digits)})`;
}

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
export const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** A goal with what was measured of it; `undefined` when there was nothing to measure. */
export type Goal = { name: string; isMet: boolean | undefined };

/** `met`, or which goals are not: `NOT MET: size, time`. What was not measured is neither. */
export function verdictOf(goals: readonly Goal[]): string {
  const missed = goals.filter(({ isMet }) => isMet === false).map(({ name }) => name);
  if (missed.length > 0) return `NOT MET: ${missed.join(", ")}`;
  return goals.some(({ isMet }) => isMet) ? "met" : "-";
}

/** Rows under a head, two blanks apart. Columns whose cells all begin with a digit stand to the right. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) => head.map((_, column) => String(row[column] ?? "-")));
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const isNumeric = head.map((_, column) => cells.every((row) => /^[\d-]/.test(row[column] ?? "")));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        isNumeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join("\n");
}
