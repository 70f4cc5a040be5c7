import { type FileLine, Graph } from "#contract/graph.ts";
import type { KeepSet } from "#runner/keep-set.ts";
import { filesList } from "#runner/report/files-list.ts";
import { graphDocument } from "#runner/report/graph.ts";
import { type GraphReader, readGraph } from "#runner/report/graph-read.ts";
import type { Owners } from "#runner/report/package-owners.ts";
import { sharesOf } from "#runner/report/shares.ts";
import { aRootfs, aRun, type Tree } from "#runner/stages/select.builder.ts";

type Given = { owners?: Owners; excludedBy?: (path: string) => string | undefined; scenarios?: string[] };

/** For tests: the two artifacts that `winnow why` reads, of an image of which these entries were kept. */
export function artifactsOf(
  tree: Tree,
  kept: KeepSet,
  given: Given = {},
): { "files.jsonl": string; "graph.json": string } {
  const rootfs = aRootfs(tree);
  const { owners = { packages: [], of: () => -1 }, excludedBy = () => undefined, scenarios = ["default"] } = given;
  const processes = [{ pid: 1, ppid: 0, exe: "/usr/bin/node", argv: ["node"], cut: false }];
  const runs = scenarios.map((scenario) => ({ scenario, run: aRun([], { processes }) }));
  const shares = sharesOf(rootfs, kept, owners);
  return {
    "files.jsonl": [...filesList(rootfs, kept, { owners, excludedBy })].join(""),
    "graph.json": [...graphDocument({ rootfs, kept, runs, owners, shares })].join(""),
  };
}

/** For tests: the same, read. */
export function readBack(artifacts: ReturnType<typeof artifactsOf>): {
  lines: Map<string, FileLine>;
  reader: GraphReader;
} {
  const lines = artifacts["files.jsonl"].trimEnd().split("\n");
  const parsed = lines.map((line) => JSON.parse(line) as FileLine); // as the builder made them
  return {
    lines: new Map(parsed.map((line) => [line.path, line])),
    reader: readGraph(Graph.parse(JSON.parse(artifacts["graph.json"]))),
  };
}
