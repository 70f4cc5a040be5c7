import type { Readable } from "node:stream";
import type { Logger } from "pino";
import type { Engine } from "./docker/engine.ts";

/** What a stage tells whoever watches: the terminal, the job's log, later the page. */
export type Progress =
  | { kind: "stage"; stage: string; state: "started" }
  | { kind: "stage"; stage: string; state: "done"; durationMs: number; detail: string }
  | { kind: "note"; text: string }
  | { kind: "container-log"; run: string; text: string };

export type StoredArtifact = { name: string; bytes: number; sha256: string };

/** Where a job's bytes go. `name` is one of the artifact names of docs/artifacts.md. */
export type ArtifactSink = { put(name: string, content: Readable | Buffer | string): Promise<StoredArtifact> };

/** Everything a stage may touch. Stages that only decide take none of it. */
export type RunnerDeps = {
  engine: Engine;
  artifacts: ArtifactSink;
  log: Logger;
  progress(event: Progress): void;
  /** Aborts the job: every stage cleans up behind itself and throws `job.canceled`. */
  signal: AbortSignal;
  /** Resolves when the user says that the observation may end (`signal` and `enter` finishes). */
  finishAsked: Promise<void>;
  /** Resolves when what others can see may begin: tags move only then. Left out: whenever the job gets there. */
  mayPublish?(): Promise<void>;
  jobId: string;
  runnerId: string;
  /** Version of Winnow, for labels and the report. */
  version: string;
  /** For blobs on their way to the engine; nothing of an image is unpacked there. */
  tmpDir: string;
  now(): number;
};
