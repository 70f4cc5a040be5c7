import type { Warning } from "#contract/report.ts";
import { resolvePath } from "../../rootfs.ts";
import { isNeverKept } from "../never.ts";
import type { Wanted } from "../wanted.ts";
import { askedData } from "./data.ts";
import { askedLists } from "./lists.ts";
import { askedPrograms } from "./programs.ts";
import type { Answer, Given } from "./rule.ts";

/**
 * What the user asked to keep by other rules than patterns of paths (`pinned`): each entry with the rule as its reason. A rule
 * that stands for nothing in this image is a warning. Ask again when what is in `wants` was examined.
 */
export function asked(given: Given): { wanted: Wanted[]; wants: string[]; warnings: Warning[] } {
  const answers = [...askedPrograms(given), ...askedData(given), ...askedLists(given)];
  const idle = answers.filter((answer) => (answer.wants ?? []).length === 0 && !isAnswered(answer, given));
  return {
    wanted: answers.flatMap(({ wanted }) => wanted),
    wants: answers.flatMap(({ wants }) => wants ?? []),
    warnings: idle.map(({ rule }) => matchesNothing(rule, given)),
  };
}

function isAnswered({ wanted }: Answer, { context: { rootfs } }: Given): boolean {
  return wanted.some(({ path }) => {
    const found = resolvePath(rootfs, path);
    return "path" in found && !isNeverKept(found.entry);
  });
}

function matchesNothing(rule: string, { keep, context }: Given): Warning {
  const place = keep.readFrom[rule];
  const why = rule === "--include-workdir" ? ` (WORKDIR is ${context.workdir})` : "";
  return {
    code: "include.matches-nothing",
    text: `The rule ${rule}${place === undefined ? "" : ` (${place})`} stands for nothing in the image${why}.`,
  };
}
