import { z } from "zod";
import { JobRequest, Probe } from "./job.ts";

/** Raised when the meaning of a field changes; readers refuse what they do not know. */
export const reportSchemaVersion = 1;

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** An image as we computed it: the engine's own `Id` and `Size` mean other things on other image stores. */
export const ImageFacts = z.object({
  reference: z.string(),
  /** Digest of the config blob. Null for a source image on an engine that does not show it (containerd image store). */
  configDigest: Digest.nullable(),
  /** OCI chain id of all diff ids: the identity of the rootfs that every engine agrees on. */
  chainId: Digest,
  diffIds: z.array(Digest),
  os: z.string(),
  architecture: z.string(),
  /** Sum of the sizes of all entries of the flattened rootfs, hard links once, bytes. */
  rootfsBytes: z.int(),
  entries: z.int(),
  files: z.int(),
  created: z.string().optional(),
});
export type ImageFacts = z.infer<typeof ImageFacts>;

/** What one probe got from the application. */
export const Answer = z.object({
  scenario: z.string(),
  probe: Probe,
  /** Where it was sent: `http://:8080/`, `exec curl`, `tcp :6379`, `command`. */
  target: z.string(),
  /** Null when nothing answered: `error` says why. */
  status: z.int().nullable(),
  contentType: z.string().nullable(),
  exitCode: z.int().nullable(),
  bodyBytes: z.int(),
  bodySha256: z.string(),
  /** The first 64 KiB as UTF-8, normalised (see runner/probes/normalise.ts). */
  bodySample: z.string(),
  error: z.string().nullable(),
  durationMs: z.number(),
});
export type Answer = z.infer<typeof Answer>;

export const Difference = z.object({
  scenario: z.string(),
  target: z.string(),
  field: z.enum(["status", "content-type", "body", "exit", "error", "missing", "extra"]),
  fat: z.string(),
  slim: z.string(),
});
export type Difference = z.infer<typeof Difference>;

export const Verdict = z.enum(["verified", "repaired", "failed", "not-exercised"]);
export type Verdict = z.infer<typeof Verdict>;

export const Round = z.object({
  round: z.int(),
  differences: z.array(Difference),
  /** Paths looked for in vain in the slim image that exist in the fat one. */
  missing: z.array(z.string()),
  /** Those of them that were brought back, or what listings no longer showed. */
  repairs: z.array(z.string()),
  /** What came back with them: `entries` more of the unit that `of`, one of the repairs, is a part of. */
  units: z.array(z.object({ of: z.string(), entries: z.int() })).default([]),
});

export type Round = z.infer<typeof Round>;

export const Verification = z.object({
  verdict: Verdict,
  reason: z.string().nullable(),
  rounds: z.array(Round),
  /** Answers of the last run, with nothing of ours in the image, compared with the fat image's. */
  bare: z.object({ differences: z.array(Difference), answers: z.array(Answer) }).nullable(),
  /** Differences between two runs of the fat image: noise, not counted. */
  noise: z.array(Difference),
  fatAnswers: z.array(Answer),
  slimAnswers: z.array(Answer),
});
export type Verification = z.infer<typeof Verification>;

export const StageTime = z.object({ stage: z.string(), durationMs: z.number() });
export type StageTime = z.infer<typeof StageTime>;

export const Warning = z.object({ code: z.string(), text: z.string() });
export type Warning = z.infer<typeof Warning>;

/** What the observation leaves open: more exercise would answer it. */
export const OpenQuestion = z.object({
  /** `endpoint`: answered with an error. `executable`: kept, never run. `still-growing`: new files until the end. */
  kind: z.enum(["endpoint", "executable", "still-growing"]),
  subject: z.string(),
  text: z.string(),
});
export type OpenQuestion = z.infer<typeof OpenQuestion>;

/** What the runs of one scenario on the original did not do alike. Runs are numbered from 1. */
export const UnsteadyScenario = z.object({
  scenario: z.string(),
  /** How many entries of the image only some of its runs used. */
  entries: z.int(),
  /** The first of them, with the runs that used each. */
  paths: z.array(z.object({ path: z.string(), runs: z.array(z.int()) })),
  /** TCP ports that only some of its runs listened on. */
  ports: z.array(z.object({ port: z.int(), runs: z.array(z.int()) })),
});
export type UnsteadyScenario = z.infer<typeof UnsteadyScenario>;

export const Report = z.object({
  schemaVersion: z.literal(reportSchemaVersion),
  winnow: z.object({ version: z.string(), sensor: z.string() }),
  engine: z.object({
    version: z.string(),
    apiVersion: z.string(),
    storage: z.string(),
    kernel: z.string(),
    architecture: z.string(),
    os: z.string(),
    cgroup: z.string(),
    rootless: z.boolean(),
    securityOptions: z.array(z.string()),
  }),
  job: z.object({
    id: z.string(),
    kind: JobRequest.shape.kind,
    request: JobRequest,
    startedAt: z.int(),
    finishedAt: z.int(),
  }),
  fat: ImageFacts,
  slim: ImageFacts.extend({ tags: z.array(z.string()), layerBytes: z.int(), manifestDigest: Digest }).nullable(),
  /** fat rootfsBytes / slim rootfsBytes. Never shown without the verdict. */
  ratio: z.number().nullable(),
  verdict: Verdict.nullable(),
  verdictReason: z.string().nullable(),
  repairs: z.array(z.string()),
  observation: z
    .object({
      level: z.string(),
      complete: z.boolean(),
      scenarios: z.array(
        z.object({
          name: z.string(),
          ports: z.array(z.int()),
          exitCode: z.int().nullable(),
          answers: z.int(),
          startMs: z.number().nullable(),
        }),
      ),
      filesUsed: z.int(),
      bytesUsed: z.int(),
      filesUnused: z.int(),
      bytesUnused: z.int(),
      processes: z.array(z.object({ exe: z.string(), argv: z.array(z.string()) })),
      syscalls: z.array(z.string()),
      warnings: z.array(Warning),
      openQuestions: z.array(OpenQuestion).default([]),
      /** How often each scenario was observed, and those whose runs differed. */
      repeated: z.object({ times: z.int(), unsteady: z.array(UnsteadyScenario) }).default({ times: 1, unsteady: [] }),
    })
    .nullable(),
  /** Kept entries and bytes by the kind of their first reason. */
  kept: z.record(z.string(), z.object({ entries: z.int(), bytes: z.int() })),
  /** What was removed by its owner (`dpkg:perl`, null for what no package owns): the twenty with the most bytes. */
  removed: z
    .array(z.object({ owner: z.string().nullable(), entries: z.int(), files: z.int(), bytes: z.int() }))
    .default([]),
  /** What each exclude pattern took away of what would have been kept; files, hard links once. */
  excluded: z.array(z.object({ pattern: z.string(), entries: z.int(), bytes: z.int() })).default([]),
  /** Directories and files that were taken for the application's own, and why; with their sizes in the fat image. */
  application: z.array(z.object({ path: z.string(), reason: z.string(), files: z.int(), bytes: z.int() })).default([]),
  stages: z.array(StageTime),
  warnings: z.array(Warning),
  artifacts: z.array(z.object({ name: z.string(), bytes: z.int(), sha256: z.string() })),
});
export type Report = z.infer<typeof Report>;
