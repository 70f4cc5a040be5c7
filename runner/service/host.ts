import { statfs } from "node:fs/promises";
import { z } from "zod";
import type { Engine } from "../docker/engine.ts";
import { wait } from "./back-off.ts";

/** What the host is fit for at this moment. `paused` says why no job is begun; `reason` is what a job is given back with. */
export type Host = { diskFreeBytes: number | null; paused: { reason: "disk" | "unfit"; text: string } | null };

const Info = z.looseObject({ DockerRootDir: z.string().optional() });

/** How long an engine may take to say where its images lie. */
const answerMs = 15_000;

/**
 * Looks at the engine and at the disks where its images and the runner's own files (`directory`) lie. An engine elsewhere shows
 * its disk only by failing; what a job writes there is watched by the job.
 */
export async function lookAtHost(
  { docker, host }: Pick<Engine, "docker" | "host">,
  { directory, floorBytes }: { directory: string; floorBytes: number },
): Promise<Host> {
  const own = await freeBytes(directory);
  let root: string | undefined;
  try {
    root = Info.parse(await inTime(docker.info())).DockerRootDir;
  } catch {
    return { diskFreeBytes: own, paused: { reason: "unfit", text: "the engine does not answer" } };
  }
  const engines = root && host.startsWith("unix:") ? await freeBytes(root) : null;
  const diskFreeBytes = own === null || engines === null ? (own ?? engines) : Math.min(own, engines);
  const isLow = diskFreeBytes !== null && diskFreeBytes < floorBytes;
  return { diskFreeBytes, paused: isLow ? { reason: "disk", text: `disk below ${inGib(floorBytes)}` } : null };
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const late = new AbortController();
  try {
    return await Promise.race([answer, wait(answerMs, late.signal).then(() => Promise.reject(new Error("late")))]);
  } finally {
    late.abort();
  }
}

/** Null where there is no such path here: the engine is in another container. */
async function freeBytes(path: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}

const inGib = (bytes: number): string => `${Math.round((bytes / 2 ** 30) * 10) / 10} GiB`;
