import { WinnowError } from "#contract/error.ts";
import type { JobRequest } from "#contract/job.ts";
import type { Verification, Warning } from "#contract/report.ts";
import type { SourceImage } from "../image/source.ts";
import type { ScenarioRun } from "../observation.ts";
import type { Rootfs } from "../rootfs.ts";
import { rootfsBytes } from "../rootfs-size.ts";
import { exclusion } from "../rules/exclude.ts";
import { isNeverKept } from "../rules/never.ts";
import type { FilesSession } from "../sensor/files-session.ts";
import { compareConfig, compareEntries } from "./fidelity.ts";
import type { Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { decideKeep, type Known } from "./keep.ts";
import { hiddenInListings, missingInSlim, missingOnPurpose } from "./missing.ts";
import { withFiles } from "./open-files.ts";
import { discard, publish, rebuild, type SlimImage } from "./rebuild.ts";
import type { Selection } from "./select.ts";
import type { StageTimer } from "./stage-timer.ts";
import { together } from "./together.ts";
import { decideVerdict, wasExercised } from "./verdict.ts";
import { comparer, exercise } from "./verify.ts";

type Input = {
  request: JobRequest;
  source: SourceImage;
  fat: Subject;
  known: Known;
  files: FilesSession;
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
  const { request, source, fat, known, files, stage } = input;
  const answers = comparer({ fat, request, observed: known.observed, stage }, deps);
  const forbidden = neverRepaired(known.rootfs, request.keep.excludePatterns);
  const rounds: Verification["rounds"] = [];
  const repairs = new Set<string>();
  let selection = await stage("select", () => decideKeep(known, [], files), describeKept);
  if (request.kind === "profile")
    return { selection, slim: undefined, slimRuns: [], verification: undefined, warnings: [] };
  for (;;) {
    const round = rounds.length + 1;
    const image = await stage("rebuild", () =>
      rebuild({ source, paths: sorted(selection), tags: request.tags, round }, files, deps),
    );
    try {
      const subject = { image: image.engineId, config: image.config };
      const again = { name: "slim", subject, request, observed: known.observed };
      const [{ rootfs }, runs] = await together(
        stage("assert", () => assertFidelity(source, subject, known.rootfs, selection, deps)),
        stage(
          "verify",
          () => exercise({ ...again, manner: "sensor" }, deps),
          () => `round ${round}`,
        ),
      );
      refuseLarger(known.rootfs, rootfs);
      const missing = missingInSlim(runs, known.rootfs, selection.kept, forbidden);
      // What is missing explains a difference well enough: the original is asked again only when nothing else is left.
      const differences = missing.length > 0 && round < maxRounds ? answers.differ(runs) : await answers.compare(runs);
      const unseen = differences.length > 0 && missing.length === 0;
      const wanted = unseen ? hiddenInListings(runs, known.rootfs, selection.kept, forbidden) : missing;
      const repairing = wanted.length > 0 && round < maxRounds;
      rounds.push({ round, differences, missing, repairs: repairing ? wanted : [] });
      if (repairing) {
        for (const path of wanted) repairs.add(path);
        selection = await stage("repair", () => decideKeep(known, [...repairs], files), describeKept);
        await drop(image, deps);
        continue;
      }
      const bareRuns =
        differences.length > 0
          ? undefined
          : await stage("bare", () => exercise({ ...again, name: "bare", manner: "bare" }, deps));
      const bareDifferences = bareRuns ? await answers.compare(bareRuns) : [];
      const verification: Verification = {
        ...decideVerdict({
          rounds,
          bareDifferences,
          exercised: wasExercised(known.observed),
          repaired: repairs.size > 0,
        }),
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
      ];
      if (verification.verdict === "failed") await drop(image, deps);
      else
        await stage(
          "publish",
          () => publish(image, deps),
          () => image.tags.join(", "),
        );
      const slim = { ...image, tags: verification.verdict === "failed" ? [] : image.tags, rootfs };
      return { selection, slim, slimRuns: runs, verification, warnings };
    } catch (error) {
      // What cannot be removed now must not hide why it is not wanted; the next start of this runner sweeps it.
      await drop(image, deps).catch((fault: unknown) => deps.log.warn({ err: fault }, "an image could not be removed"));
      throw error;
    }
  }
}

/** Removes an image that is not wanted any more, once no container of it is left. */
async function drop(image: SlimImage, deps: JobDeps): Promise<void> {
  await deps.settled();
  await discard(image, deps);
}

const sorted = ({ kept }: Selection): string[] => [...kept.keys()].filter((path) => path !== "/").sort(byPath);

/** Parents before children, siblings in byte order: the order of the layer, and so part of its digest. */
function byPath(a: string, b: string): number {
  const left = a.split("/");
  const right = b.split("/");
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const [one = "", other = ""] = [left[at], right[at]];
    if (one !== other) return one < other ? -1 : 1;
  }
  return left.length - right.length;
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

/** Reads the slim image back and compares every kept entry, and the config, with the original. Throws `fidelity.lost`. */
async function assertFidelity(source: SourceImage, subject: Subject, fat: Rootfs, selection: Selection, deps: JobDeps) {
  const { rootfs } = await withFiles(subject, deps, (files) => files.index());
  const faults = [
    ...compareEntries(fat, rootfs, selection.kept.keys(), Object.keys(subject.config.Volumes ?? {})),
    ...compareConfig(source.config, subject.config),
  ];
  const [first] = faults;
  if (first) {
    deps.log.error({ faults: faults.slice(0, 100) }, "the slim image does not hold what was asked for");
    throw new WinnowError(
      "fidelity.lost",
      `${faults.length} properties of the slim image differ from the original, first: ${JSON.stringify(first)}`,
      "This is a fault of Winnow or of the engine's image store: report it with the job's log.",
    );
  }
  return { rootfs };
}

function refuseLarger(fat: Rootfs, slim: Rootfs): void {
  if (rootfsBytes(slim) < rootfsBytes(fat)) return;
  throw new WinnowError(
    "result.not-smaller",
    `The slim image would not be smaller: ${rootfsBytes(slim)} bytes of ${rootfsBytes(fat)} are used.`,
    "There is nothing to take away from this image; use it as it is.",
  );
}
