import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { Writable } from "node:stream";
import pino from "pino";
import type { RunnerDeps } from "../deps.ts";
import { composeImage, writeArchive } from "../image/archive.ts";
import type { ImageConfig, SourceImage } from "../image/source.ts";
import { LayerSpool } from "../image/spool.ts";
import { connectEngine } from "./connect.ts";
import type { Engine } from "./engine.ts";
import { type TarEntry, tarOf } from "./files.ts";
import { inspectImage, loadImage } from "./images.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The engines that tests run on: WINNOW_TEST_HOSTS, blank-separated addresses; by default the one that the client would take. */
export async function enginesUnderTest(env: Env): Promise<Engine[]> {
  const hosts = env.WINNOW_TEST_HOSTS?.split(/\s+/).filter(Boolean) ?? [];
  if (hosts.length === 0) return [await connectEngine({ env })];
  return Promise.all(hosts.map((host) => connectEngine({ host, env })));
}

/** A label that finds everything that these tests made. */
export const testLabels = { "dev.winnow.test": "docker" };

export type TestDeps = RunnerDeps & { abort(reason?: unknown): void };

/** Deps of one job of its own, with nobody watching. */
export function depsFor(engine: Engine): TestDeps {
  const aborter = new AbortController();
  return {
    engine,
    artifacts: { put: () => Promise.reject(new Error("no artifacts in this test")) },
    log: pino({ level: "silent" }),
    progress: () => {},
    signal: aborter.signal,
    abort: (reason) => aborter.abort(reason),
    finishAsked: new Promise(() => {}),
    jobId: `t-${randomUUID()}`,
    runnerId: "test",
    version: "0.0.0",
    tmpDir: tmpdir(),
    now: Date.now,
  };
}

/** Loads an image of one layer that holds these files, and says how the engine sees it. Removed by its reference. */
export async function loadTestImage(
  deps: TestDeps,
  reference: string,
  files: readonly TarEntry[],
  config: ImageConfig,
  platform: Partial<SourceImage> = {},
): Promise<SourceImage> {
  const spool = new LayerSpool(deps.tmpDir);
  const archive = await tarOf(files);
  await new Promise<void>((resolve, reject) =>
    spool.end(archive, (error?: Error | null) => (error ? reject(error) : resolve())),
  );
  const { architecture, os } = deps.engine.facts;
  const about = { created: "2024-02-03T04:05:06.789Z", architecture, os, ...platform };
  const parts = composeImage(about, { ...config, Labels: { ...config.Labels, ...testLabels } }, await spool.layer());
  await loadImage(deps, writeArchive(parts, [reference]));
  await spool.dispose();
  return inspectImage(deps, reference);
}

/** Collects what is written to it. */
export class Collector extends Writable {
  readonly chunks: Buffer[] = [];
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }
}
