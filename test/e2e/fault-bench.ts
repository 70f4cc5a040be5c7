import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { WinnowError } from "#contract/error.ts";
import { JobRequest } from "#contract/job.ts";
import type { Report } from "#contract/report.ts";
import type { RunnerDeps } from "#runner/deps.ts";
import type { Engine } from "#runner/docker/engine.ts";
import type { TarEntry } from "#runner/docker/files.ts";
import { removeImage } from "#runner/docker/images.ts";
import type { ImageConfig, SourceImage } from "#runner/image/source.ts";
import { slim } from "#runner/pipeline.ts";
import { testDeps } from "../deps.ts";
import { ballast, compileFaultApp, file, loadFaultImage } from "./fault-images.ts";
import { residueOf } from "./residue.ts";

type Asked = Partial<Omit<Parameters<typeof JobRequest.decode>[0], "image">>;

/** How a job ended, and what it left behind that it should not have. */
export type Ended = {
  report: Report | undefined;
  error: WinnowError | undefined;
  left: string[];
  tags: string[];
  /** Its artifacts, by name. */
  stored: ReadonlyMap<string, Buffer>;
};

/** Verified without a repair, and nothing left behind. */
export function expectVerified({ report, error, left }: Ended): void {
  expect({ error, verdict: report?.verdict, reason: report?.verdictReason, left }).toEqual({
    error: undefined,
    verdict: "verified",
    reason: null,
    left: [],
  });
}

export type FaultBench = {
  /** Makes an image of the fault program under these arguments, or one without any file, and gives its reference. */
  image(argv: readonly string[], more?: Making): Promise<string>;
  /** Runs one job on it, whatever comes of it; in the profile `exact`, unless another is asked for. */
  run(
    image: string,
    asked?: Asked,
    deps?: Partial<Pick<RunnerDeps, "engine" | "signal" | "progress" | "tmpDir">>,
  ): Promise<Ended>;
  /** Takes an image that was made elsewhere for one that was made here. */
  remember(reference: string): void;
  /** Removes every image that was made here. */
  close(): Promise<void>;
};

type Making = { files?: readonly TarEntry[]; config?: ImageConfig; about?: Partial<SourceImage>; isEmpty?: boolean };

/** A place to run jobs on images that misbehave; `name` keeps the images of two test files apart; `source` is the program. */
export function openFaultBench(engine: Engine, name: string, source?: string): FaultBench {
  // Bytes behind a program change nothing but its image's identity: what other tests make of theirs is not found for ours.
  const app = Buffer.concat([compileFaultApp(source), Buffer.from(`${name}-${process.pid}`)]);
  const references = new Set<string>();
  let made = 0;
  return {
    async image(argv, { files = [ballast], config = {}, about, isEmpty = false } = {}) {
      made += 1;
      const reference = `winnow-test-${name}-${process.pid}:${made}`;
      references.add(reference);
      const content = {
        files: isEmpty ? [] : [file("app", app, 0o755), ...files],
        config: { Entrypoint: ["/app"], Cmd: [...argv], ...config },
        about,
      };
      await loadFaultImage(engine, reference, content);
      return reference;
    },
    async run(image, asked = {}, own = {}) {
      const tmpDir = own.tmpDir ?? mkdtempSync(join(tmpdir(), "winnow-faults-"));
      const deps = await testDeps({ engine, ...own, tmpDir });
      const ended: Pick<Ended, "report" | "error"> = { report: undefined, error: undefined };
      try {
        ended.report = await slim(
          JobRequest.parse({ ...asked, keep: { profile: "exact", ...asked.keep }, image }),
          deps,
        );
      } catch (thrown) {
        if (!(thrown instanceof WinnowError)) throw thrown;
        ended.error = thrown;
      }
      const left = await residueOf(engine, deps.jobId, tmpDir);
      const tags = ended.report?.slim?.tags ?? [];
      for (const tag of tags) references.add(tag);
      if (own.tmpDir === undefined) rmSync(tmpDir, { recursive: true });
      return { ...ended, left, tags, stored: deps.stored };
    },
    remember: (reference) => void references.add(reference),
    async close() {
      for (const reference of references) await removeImage({ engine }, reference);
    },
  };
}
