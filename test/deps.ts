import { createHash, randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { buffer } from "node:stream/consumers";
import pino from "pino";
import type { Progress, RunnerDeps } from "#runner/deps.ts";
import { connectEngine } from "#runner/docker/connect.ts";
import type { Engine } from "#runner/docker/engine.ts";

type Wanted = {
  jobId?: string;
  engine?: Engine;
  signal?: AbortSignal;
  tmpDir?: string;
  progress?(event: Progress): void;
};

/** Deps of one job, with its artifacts in memory. */
export type TestDeps = RunnerDeps & { stored: Map<string, Buffer> };

/** Deps of one job of its own on the engine that the environment names, with nobody watching. */
export async function testDeps({ jobId, engine, signal, tmpDir, progress }: Wanted = {}): Promise<TestDeps> {
  const stored = new Map<string, Buffer>();
  return {
    engine: engine ?? (await connectEngine({ env: process.env })),
    stored,
    artifacts: {
      async put(name, content) {
        const bytes =
          typeof content === "string" || Buffer.isBuffer(content) ? Buffer.from(content) : await buffer(content);
        stored.set(name, bytes);
        return { name, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
      },
    },
    log: pino({ level: "silent" }),
    progress: progress ?? (() => {}),
    signal: signal ?? new AbortController().signal,
    finishAsked: new Promise(() => {}),
    jobId: jobId ?? `test-${randomUUID()}`,
    runnerId: "test",
    version: "0.0.0",
    tmpDir: tmpDir ?? tmpdir(),
    now: () => performance.timeOrigin + performance.now(),
  };
}
