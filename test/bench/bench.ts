import { gunzipSync } from "node:zlib";
import type Docker from "dockerode";
import { JobRequest, type KeepProfile } from "#contract/job.ts";
import type { Report } from "#contract/report.ts";
import type { Engine } from "#runner/docker/engine.ts";
import { inspectImage } from "#runner/docker/images.ts";
import type { SourceImage } from "#runner/image/source.ts";
import { slim } from "#runner/pipeline.ts";
import type { Rootfs } from "#runner/rootfs.ts";
import { sensorBinary } from "#runner/sensor/binary.ts";
import { type JobDeps, withJob } from "#runner/stages/job-deps.ts";
import { withFiles } from "#runner/stages/open-files.ts";
import { testDeps } from "../deps.ts";

/** What every group gets. */
export type Bench = {
  engine: Engine;
  docker: Docker;
  /** Samples that were asked for by name; none: what the group chooses. */
  samples: readonly string[];
  /** How often each job runs. */
  repeat: number;
  /** Pairs of runs, bare and under the sensor. */
  pairs: number;
  /** Requests of one run that measures serving. */
  requests: number;
  /** What the group `real` keeps. */
  keep: KeepProfile;
  /** What the group `held-out` keeps, one after the other. */
  profiles: readonly KeepProfile[];
  signal: AbortSignal;
  /** For whoever waits. */
  say(line: string): void;
};

/** What a group found: `text` for people, `data` for the JSON file; `unmeasured` counts what ended with an error. */
export type Section = { title: string; text: string; notes: readonly string[]; data: unknown; unmeasured: number };
export type Group = (bench: Bench) => Promise<Section>;

export const testLabel = { "dev.winnow.test": "bench" } as const;

/** One job in this process. `events` are the sensor's own records of the fat runs, as the job stored them. */
export type MeasuredJob = { report: Report; wallMs: number; events: Buffer };

export async function measureJob(request: unknown, { engine, signal }: Bench): Promise<MeasuredJob> {
  const deps = await testDeps({ engine, signal });
  const startedAt = performance.now();
  const report = await slim(JobRequest.parse(request), deps);
  const wallMs = performance.now() - startedAt;
  return { report, wallMs, events: gunzipSync(deps.stored.get("events.txt.gz") ?? Buffer.alloc(0)) };
}

/** What stages of the pipeline need, outside a job. What `use` leaves for later is done before this resolves. */
export async function withStages<T>(
  image: string,
  { engine, signal }: Bench,
  use: (source: SourceImage, deps: JobDeps) => Promise<T>,
): Promise<T> {
  const deps = await testDeps({ engine, signal });
  const source = await inspectImage(deps, image);
  return withJob(deps, await sensorBinary(source.architecture), (job) => use(source, job));
}

/** The index of an image, read for the benchmark alone. */
export const rootfsOf = (image: string, bench: Bench): Promise<Rootfs> =>
  withStages(image, bench, async (source, deps) => {
    const { rootfs } = await withFiles({ image: source.id, config: source.config }, deps, ({ files }) => files.index());
    return rootfs;
  });

/** Stage times of a job by name, ms; a stage that ran in several rounds is their sum. */
export function stageTimes({ stages }: Pick<Report, "stages">): Record<string, number> {
  const times: Record<string, number> = {};
  for (const { stage, durationMs } of stages) times[stage] = (times[stage] ?? 0) + durationMs;
  return times;
}

/** Takes names away from the engine, and the images that have no other. */
export async function untag({ docker }: Bench, tags: readonly string[]): Promise<void> {
  for (const tag of tags) {
    await docker
      .getImage(tag)
      .remove()
      .catch(() => undefined); // it may never have been made
  }
}
