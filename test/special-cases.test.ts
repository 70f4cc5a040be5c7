import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const document = readFileSync(join(root, "docs/special-cases.md"), "utf8");

/** The tests that a text names as `FILE`: "TITLE". */
const named = (text: string) =>
  [...text.matchAll(/`([\w./-]+\.test\.ts)`: "([^"]+)"/g)].map(([, file = "", title = ""]) => ({ file, title }));

/** Whether a test file has a title, as it is written there. */
const hasTitle = (content: string, title: string) =>
  content.includes(`"${title}"`) || content.includes(`\`${title}\``) || content.includes(`'${title}'`);

/** The cells of the rows below a heading, without the table's own head. */
function rowsOf(heading: string): string[][] {
  const part = document.split(/^## /m).find((each) => each.startsWith(heading)) ?? "";
  const rows = part.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(1).map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
}

describe("the list of special cases", () => {
  const files = new Map(named(document).map(({ file }) => [file, join(root, file)]));

  it.each([...files])("names tests of %s that exist", (file, path) => {
    expect(existsSync(path)).toBe(true);
    const content = readFileSync(path, "utf8");
    const titles = named(document).filter((each) => each.file === file);
    expect(titles.filter(({ title }) => !hasTitle(content, title))).toEqual([]);
  });

  it("has all 35 special cases in their order, each with a test", () => {
    const rows = rowsOf("The 35 special cases");
    expect(rows.map(([number]) => Number(number))).toEqual(Array.from({ length: 35 }, (_, index) => index + 1));
    expect(rows.filter((cells) => named(cells.at(-1) ?? "").length === 0)).toEqual([]);
  });

  it("has a test for each hard case", () => {
    const rows = rowsOf("Hard cases");
    expect(rows.length).toBeGreaterThan(25);
    expect(rows.filter((cells) => named(cells.at(-1) ?? "").length === 0)).toEqual([]);
  });

  it("names a file of tests only together with a title", () => {
    const mentions = [...document.matchAll(/`[\w./-]+\.test\.ts`/g)].length;
    // The document names its own check once.
    expect(named(document).length).toBe(mentions - 1);
  });
});
