import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { expect, it } from "vitest";
import { addImageOptions } from "./image.ts";
import { addKeepOptions } from "./keep.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/flags.md"), "utf8");
const command = new Command();
addKeepOptions(command);
addImageOptions(command);
const options = command.options.flatMap(({ long }) => long ?? []);

/** What the first cells of the two tables of flags name, `--no-…` beside a flag written out. */
const named = text
  .split("\n")
  .filter((line) => /^\| `--/.test(line))
  .flatMap((line) => {
    const [, cell = ""] = line.split(/(?<!\\)\|/);
    const flags = [...cell.matchAll(/`(--[a-z][a-z-]*)/g)]
      .map(([, flag = ""]) => flag)
      .filter((flag) => flag !== "--no-");
    return cell.includes("`--no-…`") ? flags.flatMap((flag) => [flag, flag.replace("--", "--no-")]) : flags;
  });

it("the document of flags has every flag of what is kept and of the output image, and no other", () => {
  // How a job is shown is no part of its result.
  expect([...new Set(named)].sort()).toEqual(options.filter((flag) => flag !== "--show-blogs").sort());
});
