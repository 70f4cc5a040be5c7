import type { Answer, OpenQuestion } from "#contract/report.ts";
import type { KeepSet } from "../keep-set.ts";
import type { Growth, ScenarioRun } from "../observation.ts";
import type { Rootfs } from "../rootfs.ts";
import { parseEvents, type SensorRun } from "../sensor/events.ts";

/** Of each kind; a last one counts the rest. */
const maxOfKind = 100;

type Input = { runs: readonly ScenarioRun[]; rootfs: Rootfs; kept: KeepSet };

/**
 * What the runs of the fat image leave open, for a person to answer with more exercise: requests that ended in an error, kept
 * executables that never ran, and files that were still being used for the first time when a run ended.
 */
export function openQuestions({ runs, rootfs, kept }: Input): OpenQuestion[] {
  return [
    ...bounded("endpoint", distinct(runs.flatMap((run) => run.answers).flatMap(endpointQuestion))),
    ...bounded("executable", neverRun(runs, rootfs, kept).map(executableQuestion)),
    ...runs.flatMap((run) => growthQuestion(run, rootfs)),
  ];
}

function endpointQuestion({ probe, target, status }: Answer): OpenQuestion[] {
  if (probe.kind !== "http" || status === null || status < 400) return [];
  const why =
    status === 401 || status === 403
      ? "what is behind it needs credentials: a probe may have a user name and password, or headers"
      : status === 404 || status === 410
        ? "nothing is there, or only with other values"
        : status >= 500
          ? "something that it needs is missing, or it is broken: how it works when it does was not seen"
          : "it wants another request: how it answers a right one was not seen";
  return [{ kind: "endpoint", subject: target, text: `${target} answered ${status}: ${why}.` }];
}

const executableQuestion = (path: string): OpenQuestion => ({
  kind: "executable",
  subject: path,
  text: `${path} is kept and never ran: what it needs besides is known from its contents only.`,
});

/** Kept programs and scripts that did not run. */
function neverRun(runs: readonly ScenarioRun[], rootfs: Rootfs, kept: KeepSet): string[] {
  const sensors = runs.flatMap((run) => run.sensor);
  const ran = new Set(sensors.flatMap(programsOf));
  return [...kept.keys()].filter((path) => {
    const entry = rootfs.get(path);
    return entry?.type === "file" && (entry.mode & 0o111) !== 0 && !/\.so(?:\.|$)/.test(path) && !ran.has(path);
  });
}

/** What ran: programs, scripts that a process was given, and what a process read, which for a script means that it may have run. */
function programsOf({ processes, files, interpreters }: SensorRun): string[] {
  const used = files.filter(({ kind, result }) => (kind === "exec" || kind === "read") && result === "ok");
  const paths = used.map(({ path }) => path);
  return [
    ...paths,
    ...paths.flatMap(sourceOf),
    ...interpreters,
    ...processes.flatMap(({ exe, argv }) => [exe, ...argv]),
  ];
}

/** The Python source that a compiled file stands for: PEP 3147. */
function sourceOf(path: string): string[] {
  const match = /^(.*)\/__pycache__\/([^/.]+)\.[^/]+\.pyc$/.exec(path);
  return match ? [`${match[1]}/${match[2]}.py`] : [];
}

/** The end of a run that is looked at: a tenth of it, at least one second. */
const endShare = 0.1;
const shortestEndMs = 1000;

/** An end can only be told from a start in a run of this length, ms. */
const shortestRunMs = 3000;

/** The size that the record had when the end of the run began; undefined when the run was too short to say. */
export function sizeBeforeEnd(growth: readonly Growth[]): number | undefined {
  const last = growth.at(-1);
  if (!last || last.atMs < shortestRunMs) return undefined;
  const from = last.atMs - Math.max(shortestEndMs, last.atMs * endShare);
  return growth.findLast(({ atMs }) => atMs <= from)?.bytes;
}

function growthQuestion({ scenario, growth, rawEvents }: ScenarioRun, rootfs: Rootfs): OpenQuestion[] {
  const [main] = rawEvents;
  const before = sizeBeforeEnd(growth);
  const { bytes = 0, atMs = 0 } = growth.at(-1) ?? {};
  if (!main || before === undefined || bytes <= before) return [];
  const earlier = pathsIn(main.subarray(0, before));
  const paths = [...pathsIn(main.subarray(0, bytes))].filter(
    (path) => !earlier.has(path) && rootfs.get(path)?.type === "file",
  );
  if (paths.length === 0) return [];
  const shown = paths.slice(0, 5).join(", ");
  const text =
    `Scenario ${scenario}: ${paths.length} files of the image were used for the first time in the last tenth of its ` +
    `${(atMs / 1000).toFixed(1)} s, among them ${shown}. A longer exercise may use more.`;
  return [{ kind: "still-growing", subject: scenario, text }];
}

/** The run's own code was checked when the record was read. */
const noKey = "0".repeat(32);

/** Files that a record, cut anywhere, says were there. */
const pathsIn = (record: Buffer): Set<string> =>
  new Set(parseEvents(record, noKey).files.flatMap(({ path, result }) => (result === "ok" ? [path] : [])));

const distinct = (questions: readonly OpenQuestion[]): OpenQuestion[] => [
  ...new Map(questions.map((question) => [question.text, question])).values(),
];

function bounded(kind: OpenQuestion["kind"], questions: readonly OpenQuestion[]): OpenQuestion[] {
  const more = questions.length - maxOfKind;
  if (more <= 0) return [...questions];
  return [...questions.slice(0, maxOfKind), { kind, subject: "", text: `and ${more} more.` }];
}
