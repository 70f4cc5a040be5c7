import { type ImageFacts, type Report, reportSchemaVersion, type Warning } from "#contract/report.ts";
import type { RunnerDeps } from "../deps.ts";
import type { KeepSet } from "../keep-set.ts";
import type { ScenarioRun } from "../observation.ts";
import type { Entry, Rootfs } from "../rootfs.ts";
import { filesBytes, rootfsBytes } from "../rootfs-size.ts";
import { syscallName } from "../sensor/syscall-names.ts";
import { applicationSizes } from "./application-sizes.ts";
import { openQuestions } from "./open-questions.ts";
import type { Outcome } from "./outcome.ts";
import { removedByOwner, sharesOf } from "./shares.ts";
import { suspicions } from "./suspicions.ts";
import { unsteadyScenarios, unsteadyWarnings } from "./unsteady.ts";

type Reporter = Pick<RunnerDeps, "engine" | "jobId" | "version" | "now">;

/** The report over a finished job; its list of artifacts is still empty. */
export function report(outcome: Outcome, { engine, jobId, version, now }: Reporter): Report {
  const { source, index, slim, verification, request, observed, selection } = outcome;
  const fat: ImageFacts = {
    ...factsOf(index.rootfs),
    reference: source.reference,
    configDigest: source.configDigest,
    chainId: source.chainId,
    diffIds: source.diffIds,
    os: source.os,
    architecture: source.architecture,
    created: source.created,
  };
  const slimFacts = slim && {
    ...fat,
    ...factsOf(slim.rootfs),
    reference: slim.tags[0] ?? slim.configDigest,
    configDigest: slim.configDigest,
    chainId: slim.diffId,
    diffIds: [slim.diffId],
    tags: slim.tags,
    layerBytes: slim.layerBytes,
    manifestDigest: slim.manifestDigest,
  };
  const ratio = slimFacts && slimFacts.rootfsBytes > 0 ? fat.rootfsBytes / slimFacts.rootfsBytes : null;
  const listened = observed.runs.some((run) => run.ports.length > 0);
  return {
    schemaVersion: reportSchemaVersion,
    winnow: { version, sensor: observed.runs[0]?.sensor[0]?.header.version ?? "" },
    engine: engine.facts,
    job: {
      id: jobId,
      kind: request.kind,
      request,
      startedAt: Math.round(outcome.startedAt),
      finishedAt: Math.round(now()),
    },
    fat,
    slim: slimFacts ?? null,
    ratio,
    verdict: verification?.verdict ?? null,
    verdictReason: verification?.reason ?? null,
    repairs: [...new Set(verification?.rounds.flatMap((round) => round.repairs) ?? [])],
    observation: observation(outcome),
    kept: keptByReason(index.rootfs, selection.kept),
    removed: removedByOwner(outcome.owners, sharesOf(index.rootfs, selection.kept, outcome.owners)),
    excluded: selection.excluded,
    application: applicationSizes(outcome),
    stages: outcome.stages,
    warnings: uniqueWarnings([
      ...selection.warnings,
      ...observed.warnings,
      ...outcome.warnings,
      ...indexWarnings(outcome),
      ...outcome.owners.faults.map(databaseWarning),
      ...(verification && ratio !== null ? suspicions({ verdict: verification.verdict, ratio, listened }) : []),
    ]),
    artifacts: [],
  };
}

const factsOf = (rootfs: Rootfs) => ({
  rootfsBytes: rootfsBytes(rootfs),
  entries: rootfs.size,
  files: [...rootfs.values()].filter((entry) => entry.type === "file").length,
});

function observation({ observed, index, selection }: Outcome): Report["observation"] {
  const files = [...index.rootfs.values()].filter((entry) => entry.type === "file");
  const used = files.filter((entry) => selection.kept.has(entry.path));
  const unused = files.filter((entry) => !selection.kept.has(entry.path));
  const sensors = observed.runs.flatMap((run) => run.sensor);
  const repeated = { times: observed.passes.length, unsteady: unsteadyScenarios(observed.passes, index.rootfs) };
  return {
    level: sensors.some((sensor) => sensor.level === "nnp") ? "nnp" : "full",
    complete: sensors.every((sensor) => sensor.complete),
    scenarios: observed.runs.map(({ scenario, ports, ending, answers, startMs }) => ({
      name: scenario,
      ports,
      exitCode: ending.code,
      answers: answers.length,
      startMs,
    })),
    filesUsed: used.length,
    bytesUsed: filesBytes(used),
    filesUnused: unused.length,
    bytesUnused: filesBytes(unused),
    processes: sensors.flatMap((sensor) => sensor.processes.map(({ exe, argv }) => ({ exe, argv }))),
    syscalls: syscallNames(observed.runs),
    warnings: uniqueWarnings([
      ...observed.runs.flatMap((run) => run.warnings),
      ...unsteadyWarnings(repeated.unsteady, repeated.times),
    ]),
    openQuestions: openQuestions({ runs: observed.runs, rootfs: index.rootfs, kept: selection.kept }),
    repeated,
  };
}

/** Names of the system calls that any run made, of every ABI, sorted. */
export function syscallNames(runs: readonly ScenarioRun[]): string[] {
  const sets = runs.flatMap((run) => run.sensor).flatMap((sensor) => sensor.syscalls);
  const names = sets.flatMap(({ arch, numbers }) =>
    numbers.map((number) => syscallName(arch, number) ?? `${arch}:${number}`),
  );
  return [...new Set(names)].sort();
}

function keptByReason(rootfs: Rootfs, kept: KeepSet): Report["kept"] {
  const groups = new Map<string, Entry[]>();
  for (const [path, { kind }] of kept) {
    const entry = rootfs.get(path);
    const group = groups.get(kind);
    if (entry && group) group.push(entry);
    else if (entry) groups.set(kind, [entry]);
  }
  return Object.fromEntries(
    [...groups].map(([kind, entries]) => [kind, { entries: entries.length, bytes: filesBytes(entries) }]),
  );
}

function indexWarnings({ index }: Outcome): Warning[] {
  const warnings: Warning[] = [];
  if (index.unreadable > 0) {
    warnings.push({ code: "index.unreadable", text: `${index.unreadable} entries of the image could not be read.` });
  }
  if (index.umount === "failed" || index.umount === "none") {
    warnings.push({
      code: "index.mounts",
      text: "The engine does not let the sensor look below mounts: files under VOLUMEs are taken from the volume's copy.",
    });
  }
  return warnings;
}

const databaseWarning = (fault: string): Warning => ({
  code: "packages.damaged",
  text: `The package database ${fault}: packages that it does not tell any more own nothing, and rules for packages pass over them.`,
});

const uniqueWarnings = (warnings: readonly Warning[]): Warning[] => [
  ...new Map(warnings.map((warning) => [`${warning.code} ${warning.text}`, warning])).values(),
];
