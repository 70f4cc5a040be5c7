import type { FileLine, PackageNode } from "#contract/graph.ts";
import { explain } from "#runner/report/explain.ts";
import type { GraphReader, Hop } from "#runner/report/graph-read.ts";
import { ownerName } from "#runner/report/package-owners.ts";
import { isNeverKept } from "#runner/rules/never.ts";
import { pruneClass } from "#runner/rules/packs/prune-class.ts";
import type { Followed } from "./follow.ts";
import { nearestKept } from "./near.ts";

/** Why something was removed; `text` says it to a person. */
export type Cause =
  | { code: "excluded"; pattern: string; text: string }
  | { code: "made-by-engine"; text: string }
  | { code: "not-used"; scenarios: readonly string[]; text: string }
  | { code: "package"; owner: string; keptFiles: number; files: number; text: string }
  | { code: "prune-class"; class: string; text: string };

/** What `winnow why --json` prints. `chain` of a kept entry leads from it to where its reasons begin. */
export type Why = {
  asked: string;
  path: string;
  kept: boolean;
  type: FileLine["type"];
  sizeBytes: number;
  owner: PackageNode | null;
  /** Links of the asked path, in the order in which they were followed. */
  links: { path: string; target: string; kept: boolean; sentence: string | null }[];
  /** Where the last link leads to, when nothing is there. */
  dangling: string | null;
  sentence: string | null;
  chain: Hop[];
  others: Hop[];
  causes: Cause[];
  nearest: { path: string; sentence: string } | null;
};

/** The answer for an entry of the image, from its line in the list of files and the graph of what was kept. */
export function answer(asked: string, { links, missing }: Followed, line: FileLine, reader: GraphReader): Why {
  const kept = reader.find(line.path);
  const chain = kept ? reader.chain(kept) : [];
  const nearest = line.kept ? undefined : nearestKept(reader, line.path);
  return {
    asked,
    path: line.path,
    kept: line.kept,
    type: line.type,
    sizeBytes: line.size,
    owner: packageOf(line, reader) ?? null,
    links: [...new Set(links)]
      .filter(({ path }) => path !== line.path)
      .map((each) => ({
        path: each.path,
        target: each.target ?? "",
        kept: each.kept,
        sentence: sentenceOf(each.path, reader),
      })),
    dangling: missing ?? null,
    sentence: line.kept ? explain(line.path, chain) : null,
    chain,
    others: kept ? reader.others(kept) : [],
    causes: line.kept ? [] : causes(line, reader),
    nearest: nearest ? { path: nearest.path, sentence: explain(nearest.path, reader.chain(nearest)) } : null,
  };
}

function sentenceOf(path: string, reader: GraphReader): string | null {
  const entry = reader.find(path);
  return entry ? explain(path, reader.chain(entry)) : null;
}

/** The package that owns a line's entry; of several copies the one whose directory it is in. */
function packageOf({ path, owner }: FileLine, { graph }: GraphReader): PackageNode | undefined {
  const fitting = owner === null ? [] : graph.packages.filter((each) => ownerName(each) === owner);
  const inside = fitting.filter(({ at }) => at !== null && (path === at || path.startsWith(`${at}/`)));
  return inside.sort((a, b) => (b.at?.length ?? 0) - (a.at?.length ?? 0))[0] ?? fitting[0];
}

function causes(line: FileLine, reader: GraphReader): Cause[] {
  const found: Cause[] = [];
  const { scenarios } = reader;
  if (line.excluded !== undefined)
    found.push({ code: "excluded", pattern: line.excluded, text: `the pattern ${line.excluded} excludes it` });
  if (isNeverKept(line))
    found.push({ code: "made-by-engine", text: "the engine makes it for every container; no image holds it" });
  const what = line.type === "directory" ? "it, or anything below it," : "it";
  const where = scenarios.length === 1 ? "scenario" : `${scenarios.length} scenarios:`;
  if (found.length === 0)
    found.push({
      code: "not-used",
      scenarios,
      text: `nothing used ${what} in ${where} ${scenarios.join(", ")}, and no kept file or rule asks for it`,
    });
  const owner = packageOf(line, reader);
  if (owner) {
    const name = ownerName(owner);
    const files = owner.kept.files + owner.removed.files;
    const text = `of its package ${name} ${owner.kept.files} of ${files} files were kept`;
    found.push({ code: "package", owner: name, keptFiles: owner.kept.files, files, text });
  }
  const part = pruneClass(line.path);
  if (part !== undefined)
    found.push({
      code: "prune-class",
      class: part,
      text: `it is of class ${part}, which is left out even of packages kept whole`,
    });
  return found;
}
