import { JobRequest, type KeepProfile } from "#contract/job.ts";
import type { KeepSet } from "#runner/keep-set.ts";
import type { ScenarioRun } from "#runner/observation.ts";
import type { Rootfs } from "#runner/rootfs.ts";
import { rootfsBytes } from "#runner/rootfs-size.ts";
import { decideKeep, type Known } from "#runner/stages/keep.ts";
import { layerOrder } from "#runner/stages/layer-order.ts";
import { withFiles } from "#runner/stages/open-files.ts";
import { discard, rebuild } from "#runner/stages/rebuild.ts";
import { buildSample, buildSettings, sampleNamed } from "../images/build.ts";
import { checkSample } from "../images/check.ts";
import { type Bench, withStages } from "./bench.ts";
import { boundOf, sourceOfCompiled } from "./bound.ts";
import { type Addition, additions, keptBytes, lacking } from "./held-out-figures.ts";
import { type Job, type Observed, observeAll, openedOutside } from "./held-out-observe.ts";
import { keepHash } from "./held-out-sets.ts";

/** What became of one endpoint that was left out. `lacking`: entries that the whole exercise used and the image has not. */
export type Outcome = { endpoint: string; passed: boolean; failures: string[]; lacking: string[] };

/** One profile. `whole`: failures of the image that every endpoint was exercised for; without any, the outcomes say something. */
export type ProfileRow = {
  profile: KeepProfile;
  keptBytes: number;
  ratio: number;
  whole: string[];
  outcomes: Outcome[];
  /** Keep sets that differ, of all that were decided. */
  distinct: number;
  additions: Addition[];
};

export type HeldOutRow = {
  name: string;
  fatBytes: number;
  boundBytes: number;
  /** What `exact` keeps when all endpoints are exercised, also when that profile was not asked for. */
  exactBytes: number;
  /** Files that the outside record has, and of these the ones that `exact` does not keep. */
  opened: number;
  missed: string[];
  profiles: ProfileRow[];
};

/** Observes a sample once whole and once for each endpoint left out, decides for each profile, builds and checks what differs. */
export async function measureHeldOut(
  name: string,
  profiles: readonly KeepProfile[],
  bench: Bench,
): Promise<HeldOutRow> {
  const sample = sampleNamed(name);
  const image = await buildSample(name, bench.docker, buildSettings(process.env));
  return withStages(image, bench, (source, deps) =>
    withFiles({ image: source.id, config: source.config }, deps, async ({ files }) => {
      const request = JobRequest.parse({ image, scenarios: sample.scenarios, run: sample.run });
      const job: Job = { sample, bench, source, request, deps, files };
      const { rootfs } = await files.index();
      const observed = await observeAll(job);
      const whole = observed[0]?.runs ?? [];
      bench.say(`${name}: observed without each of ${observed.length - 1} endpoints`);
      const opened = await openedOutside(job, whole, rootfs);
      bench.say(`${name}: ${opened.length} files seen from outside`);
      const boundBytes = boundOf(rootfs, opened);
      const checks = checkOnce(job);
      const exact = await keepFor("exact", job, rootfs)(whole);
      const rows: ProfileRow[] = [];
      for (const profile of profiles)
        rows.push(await measureProfile(profile, { job, rootfs, observed, opened, boundBytes, exact, checks }));
      const missed = lacking(opened, exact);
      const sizes = { fatBytes: rootfsBytes(rootfs), boundBytes, exactBytes: keptBytes(rootfs, exact) };
      return { name, ...sizes, opened: opened.length, missed, profiles: rows };
    }),
  );
}

/** Decides for any set of runs. What was read of the image for one serves the next. */
function keepFor(profile: KeepProfile, { source, request, files }: Job, rootfs: Rootfs) {
  const facts: Known["facts"] = new Map();
  const contents: Known["contents"] = new Map();
  const keep = { ...request.keep, profile };
  return async (observed: readonly ScenarioRun[]): Promise<KeepSet> =>
    (await decideKeep({ rootfs, observed, config: source.config, keep, facts, contents }, [], files)).kept;
}

type CheckOnce = (kept: KeepSet) => Promise<string[]>;

/** Builds an image of a keep set and gives the failures of its functional check; equal keep sets are built once. */
function checkOnce({ sample, bench, source, deps, files }: Job): CheckOnce {
  const known = new Map<string, string[]>();
  return async (kept) => {
    const hash = keepHash(kept);
    const before = known.get(hash);
    if (before) return before;
    bench.signal.throwIfAborted();
    const paths = layerOrder(kept);
    const slim = await rebuild(
      { source, paths, tags: [`winnow-bench-held-out:${process.pid}`], round: known.size },
      files,
      deps,
    );
    try {
      const { failures } = await checkSample(sample, slim.reference, bench.docker);
      known.set(hash, failures);
      return failures;
    } finally {
      await discard(slim, deps);
    }
  };
}

type Measuring = {
  job: Job;
  rootfs: Rootfs;
  observed: readonly Observed[];
  opened: readonly string[];
  boundBytes: number;
  exact: KeepSet;
  checks: CheckOnce;
};

async function measureProfile(profile: KeepProfile, measuring: Measuring): Promise<ProfileRow> {
  const { job, rootfs, observed, opened, boundBytes, exact, checks } = measuring;
  const decide = keepFor(profile, job, rootfs);
  const hashes = new Set<string>();
  let whole: { kept: KeepSet; failures: string[] } | undefined;
  const outcomes: Outcome[] = [];
  for (const { endpoint, runs } of observed) {
    const kept = await decide(runs);
    hashes.add(keepHash(kept));
    const failures = await checks(kept);
    whole ??= { kept, failures };
    if (!endpoint) continue;
    const lacks = lacking(exact.keys(), kept);
    outcomes.push({ endpoint: endpoint.endpoint, passed: failures.length === 0, failures, lacking: lacks });
    job.bench.say(`${job.sample.name} ${profile}: without ${endpoint.endpoint}: ${failures[0] ?? "passes"}`);
  }
  if (!whole) throw new Error("nothing was observed");
  const bytes = keptBytes(rootfs, whole.kept);
  return {
    profile,
    keptBytes: bytes,
    ratio: bytes / boundBytes,
    whole: whole.failures,
    outcomes,
    distinct: hashes.size,
    additions: additions(rootfs, whole.kept, new Set(opened.flatMap((path) => [path, sourceOfCompiled(path) ?? path]))),
  };
}
