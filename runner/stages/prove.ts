import type { JobRequest } from "#contract/job.ts";
import type { Round, Verification, Warning } from "#contract/report.ts";
import { asEdited, editWarnings } from "../image/edit-config.ts";
import type { SourceImage } from "../image/source.ts";
import type { ScenarioRun } from "../observation.ts";
import type { Owners } from "../report/package-owners.ts";
import type { Rootfs } from "../rootfs.ts";
import { exclusion } from "../rules/exclude.ts";
import { isNeverKept } from "../rules/never.ts";
import { permissionsOf, withPermissions } from "../rules/permissions.ts";
import { assertFidelity } from "./assert-fidelity.ts";
import { cleanUp } from "./clean-up.ts";
import { showsNothing, wasExercised } from "./exercised.ts";
import type { Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { decideKeep, type Known } from "./keep.ts";
import { layerOrder } from "./layer-order.ts";
import { hiddenInListings, missingInSlim, missingOnPurpose } from "./missing.ts";
import type { OpenFiles } from "./open-files.ts";
import { discard, publish, rebuild, type SlimImage } from "./rebuild.ts";
import { type Repair, repairsFor, toldOf } from "./repair-units.ts";
import type { Selection } from "./select.ts";
import type { StageTimer } from "./stage-timer.ts";
import { together } from "./together.ts";
import { decideVerdict } from "./verdict.ts";
import { comparer, exercise } from "./verify.ts";

type Input = {
  request: JobRequest;
  source: SourceImage;
  fat: Subject;
  known: Known;
  /** All runs of the original, each observation for itself. */
  passes: readonly (readonly ScenarioRun[])[];
  owners: () => Promise<Owners>;
  open: OpenFiles;
  stage: StageTimer;
};

/** What came of it: the keep set and, for kind `slim`, the image, its rootfs and how it stood the proof. */
export type Proof = {
  selection: Selection;
  slim: (SlimImage & { rootfs: Rootfs }) | undefined;
  slimRuns: ScenarioRun[];
  verification: Verification | undefined;
  warnings: Warning[];
};

/** Repairs are bounded: an image that wants new files after every repair is not understood. */
const maxRounds = 5;

/**
 * Keeps, rebuilds and runs the result until it answers as the original does, or cannot be repaired. The image gets its
 * tags only then; one that failed is removed from the engine.
 */
export async function prove(input: Input, deps: JobDeps): Promise<Proof> {
  const { request, source, known, open, stage } = input;
  const answers = comparer(input, deps);
  const repairs = new Map<string, Repair>();
  const rounds: Round[] = [];
  let selection = await stage("select", () => decide(input, []), describeKept);
  if (request.kind === "profile")
    return { selection, slim: undefined, slimRuns: [], verification: undefined, warnings: [] };
  for (;;) {
    const { permissions } = permissionsOf(known.rootfs, selection.kept, known.keep);
    const wanted = { edited: known.config, permissions, paths: layerOrder(selection.kept), tags: request.tags };
    const rebuilding = { source, ...wanted, round: rounds.length + 1 };
    const image = await stage("rebuild", () => rebuild(rebuilding, open.files, deps));
    try {
      const tried = await tryImage({ ...input, image, selection, answers, round: rounds.length + 1 }, deps);
      rounds.push(tried.round);
      if (tried.round.repairs.length === 0)
        return await conclude({ ...input, ...tried, image, selection, answers, rounds }, deps);
      for (const repair of tried.repairs) repairs.set(repair.path, repair);
      selection = await stage("repair", () => decide(input, [...repairs.values()]), describeKept);
    } catch (error) {
      // What cannot be removed now must not hide why it is not wanted; the next start of this runner sweeps it.
      await drop(image, deps).catch((fault: unknown) => deps.log.warn({ err: fault }, "an image could not be removed"));
      throw error;
    }
    await drop(image, deps);
  }
}

/** The keep set; from an image that has shown nothing only what nobody misses is taken away. */
async function decide({ request, known, open }: Input, repairs: readonly Repair[]): Promise<Selection> {
  const { rootfs, observed, keep, config } = known;
  const selection = await decideKeep(known, repairs, open.files);
  if (request.kind === "profile" || !showsNothing(observed, request.scenarios)) return selection;
  return cleanUp(selection, { rootfs, keep, env: config.Env ?? [] });
}

type Trying = Input & { image: SlimImage; selection: Selection; answers: ReturnType<typeof comparer> };
type Tried = { round: Round; repairs: Repair[]; rootfs: Rootfs; runs: ScenarioRun[] };

const subjectOf = (image: SlimImage): Subject => ({ image: image.engineId, config: image.config });

/** The request as the slim image is run by: what its config says by now is not said again. */
const asSlim = (request: JobRequest): JobRequest => ({
  ...request,
  scenarios: request.scenarios.map((scenario) => asEdited(scenario, request.output)),
});

/** Reads the image back and runs it as the original was run; says what differs and what should be repaired. */
async function tryImage(input: Trying & { round: number }, deps: JobDeps): Promise<Tried> {
  const { request, known, stage, image, selection, answers, round } = input;
  const subject = subjectOf(image);
  const { permissions } = permissionsOf(known.rootfs, selection.kept, known.keep);
  const wanted = { config: known.config, fat: withPermissions(known.rootfs, permissions), kept: selection.kept };
  const again = {
    name: "slim",
    subject,
    request: asSlim(request),
    observed: known.observed,
    manner: "sensor",
  } as const;
  const [rootfs, runs] = await together(
    stage("assert", () => assertFidelity({ ...wanted, subject }, deps)),
    stage(
      "verify",
      () => exercise(again, deps),
      () => `round ${round}`,
    ),
  );
  const forbidden = neverRepaired(known.rootfs, request.keep.excludePatterns);
  const missing = missingInSlim(runs, known.rootfs, selection.kept, forbidden);
  const canRepair = round < maxRounds;
  // What is missing explains a difference well enough: the original is asked again only when nothing else is left.
  const differences = missing.length > 0 && canRepair ? answers.differ(runs) : await answers.compare(runs);
  const unseen = differences.length > 0 && missing.length === 0;
  const hidden = unseen ? hiddenInListings(runs, known.rootfs, selection.kept, forbidden) : [];
  const repairs = canRepair
    ? [...(await withUnits(input, missing, forbidden)), ...hidden.map((path) => ({ path }))]
    : [];
  return { round: { round, differences, missing, ...toldOf(repairs) }, repairs, rootfs, runs };
}

/** Who owns what is known by the time that something is missing; only then it is needed. */
async function withUnits(
  { request, known, selection, owners }: Trying,
  missing: readonly string[],
  forbidden: (path: string) => boolean,
): Promise<Repair[]> {
  if (missing.length === 0) return [];
  const image = { rootfs: known.rootfs, owners: await owners(), kept: selection.kept, forbidden };
  return repairsFor(missing, request.keep.profile, image);
}

/** The last run, with nothing of ours in the image, and the verdict over all; tags what is proved, drops what failed. */
async function conclude(input: Trying & Tried & { rounds: Round[] }, deps: JobDeps): Promise<Proof> {
  const { request, source, known, stage, open, image, selection, answers, rounds, rootfs, runs } = input;
  open.release();
  const subject = subjectOf(image);
  const again = {
    name: "bare",
    subject,
    request: asSlim(request),
    observed: known.observed,
    manner: "bare",
  } as const;
  const hasFailed = (rounds.at(-1)?.differences.length ?? 0) > 0;
  const bareRuns = hasFailed ? undefined : await stage("bare", () => exercise(again, deps));
  const bareDifferences = bareRuns ? await answers.compare(bareRuns) : [];
  const exercised = wasExercised(known.observed, request.scenarios);
  const cleanedOnly = showsNothing(known.observed, request.scenarios);
  const verification: Verification = {
    ...decideVerdict({ rounds, bareDifferences, exercised, cleanedOnly }),
    rounds,
    bare: bareRuns ? { differences: bareDifferences, answers: bareRuns.flatMap((run) => run.answers) } : null,
    noise: answers.noise,
    fatAnswers: known.observed.flatMap((run) => run.answers),
    slimAnswers: runs.flatMap((run) => run.answers),
  };
  const excludedBy = exclusion(known.rootfs, request.keep.excludePatterns);
  const warnings = [
    ...runs.flatMap((run) => run.warnings),
    ...missingOnPurpose(runs, known.rootfs, (path) => excludedBy(path) !== undefined),
    ...permissionsOf(known.rootfs, selection.kept, known.keep).warnings,
    ...editWarnings(source.config, request),
  ];
  const tags = verification.verdict === "failed" ? [] : image.tags;
  if (verification.verdict === "failed") await drop(image, deps);
  else
    await stage(
      "publish",
      async () => {
        await deps.mayPublish?.();
        await publish(image, deps);
      },
      () => tags.join(", "),
    );
  return { selection, slim: { ...image, tags, rootfs }, slimRuns: runs, verification, warnings };
}

/** Removes an image that is not wanted any more, once no container of it is left. */
async function drop(image: SlimImage, deps: JobDeps): Promise<void> {
  await deps.settled();
  await discard(image, deps);
}

/** Entries that are missing on purpose: excluded by the user, or the engine's own. */
function neverRepaired(rootfs: Rootfs, patterns: readonly string[]): (path: string) => boolean {
  const excludedBy = exclusion(rootfs, patterns);
  return (path) => {
    const entry = rootfs.get(path);
    return !entry || isNeverKept(entry) || excludedBy(path) !== undefined;
  };
}

const describeKept = ({ kept }: Selection): string => `${kept.size} entries kept`;
