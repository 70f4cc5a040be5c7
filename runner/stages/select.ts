import type { Keep } from "#contract/job.ts";
import type { Warning } from "#contract/report.ts";
import type { KeepSet } from "../keep-set.ts";
import type { Rootfs } from "../rootfs.ts";
import { asked } from "../rules/asked/asked.ts";
import { isSwitchedOff, withoutDistro } from "../rules/asked/data.ts";
import { contentEdges } from "../rules/contents.ts";
import { entryPrograms } from "../rules/entry.ts";
import { exclusion, idleExcludes } from "../rules/exclude.ts";
import type { FileFacts } from "../rules/file-facts.ts";
import { identity } from "../rules/identity.ts";
import { imageKnowledge } from "../rules/image-knowledge.ts";
import { observed } from "../rules/observed.ts";
import { packsOf } from "../rules/packs/all.ts";
import { type Contents, packContext } from "../rules/packs/context.ts";
import type { Pack } from "../rules/packs/pack.ts";
import { pinned } from "../rules/pinned.ts";
import { packageMarkers } from "../rules/python-package.ts";
import { withoutRunTimeData } from "../rules/run-time-data.ts";
import { withoutSwept } from "../rules/swept.ts";
import { type Excluded, walk } from "../rules/walk.ts";
import type { Wanted } from "../rules/wanted.ts";
import type { SensorRun } from "../sensor/events.ts";
import type { Repair } from "./repair-units.ts";

export type SelectInput = {
  /** The pristine image. */
  rootfs: Rootfs;
  runs: readonly { scenario: string; run: SensorRun }[];
  config: {
    entrypoint: readonly string[];
    cmd: readonly string[];
    user: string;
    workdir: string;
    env: readonly string[];
    volumes: readonly string[];
    healthcheck: readonly string[] | undefined;
  };
  keep: Keep;
  /** Mounts of the job: `SOURCE:TARGET[:ro]`. */
  mounts?: readonly string[];
  /** Entries that layers brought, by the rule that wants them. */
  layers?: readonly { rule: string; paths: readonly string[] }[];
  /** What verification found missing, with the units of that. */
  repairs: readonly Repair[];
  /** What `examine` said of the files that earlier answers wanted. */
  facts: ReadonlyMap<string, FileFacts>;
  /** What was read of the files whose contents earlier answers wanted. */
  contents: Contents;
};

export type Selection = {
  kept: KeepSet;
  /** Files whose facts are needed to go on: examine them and select again. */
  wants: string[];
  /** Files whose whole content is needed to go on. When both are empty the selection is done. */
  reads: string[];
  warnings: Warning[];
  excluded: Excluded[];
};

/**
 * Decides what the slim image keeps, and why: what was observed, asked for by the user and repaired, what the image's config
 * starts, identity files, what the profile's packs want, and the closure of all that over links, directories, libraries and interpreters.
 * `exact` has no packs. Excludes win over everything. Throws `request.invalid` for a pattern that cannot be read.
 */
export function select(input: SelectInput): Selection {
  const { rootfs, runs, config, keep, repairs, facts, contents: read, mounts = [], layers = [] } = input;
  const used = withoutRunTimeData(rootfs, observed(rootfs, runs), keep, mounts);
  const seen = keep.profile === "exact" ? used : withoutSwept(rootfs, runs, used);
  const image = imageKnowledge({ rootfs, facts, config, seen });
  const pins = pinned(rootfs, keep);
  const programs = entryPrograms(rootfs, config);
  const repaired = repairs.map(({ path, unitOf }): Wanted => {
    const detail = unitOf === undefined ? {} : { detail: `unit of ${unitOf}` };
    return { path, reason: { kind: "repaired", by: "verify", ...detail }, use: "run" };
  });
  const contents = contentEdges(facts, image.closure, config.env);

  const packs = packsOf(keep.profile);
  const { context, reads } = packContext({ rootfs, runs, seen, config, contents: read });
  const byName = asked({ context, keep, layers, factsOf: (path) => facts.get(path) });
  const isOff = isSwitchedOff(keep);
  const fromPacks = (ask: (pack: Pack) => Wanted[] | undefined) =>
    packs.flatMap((pack) => (ask(pack) ?? []).filter((wanted) => !isOff(pack, wanted)));

  const seeds = [
    ...seen,
    ...pins.wanted,
    ...byName.wanted,
    ...repaired,
    ...programs.wanted,
    ...withoutDistro(identity(rootfs, config, image.passwd), keep),
    ...fromPacks((pack) => pack.seeds?.(context)),
  ];
  const { kept, excluded, warnings } = walk(seeds, {
    rootfs,
    patterns: keep.excludePatterns,
    excludedBy: exclusion(rootfs, keep.excludePatterns),
    edges: (place, wanted) => [
      ...(place.entry.type === "directory" ? packageMarkers(rootfs, place.path) : contents.edges(place, wanted)),
      ...fromPacks((pack) => pack.edges?.(place, wanted, context)),
    ],
  });
  const wants = [...new Set([...image.wants, ...contents.wants, ...byName.wants])];
  const isDone = wants.length + reads.size === 0;
  return {
    kept,
    wants,
    reads: [...reads],
    warnings: [
      ...pins.warnings,
      ...byName.warnings,
      ...programs.warnings,
      ...(isDone ? idleExcludes(rootfs, keep) : []),
      ...warnings,
      ...contents.warnings(),
    ],
    excluded,
  };
}
