import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { promisify } from "node:util";
import type Docker from "dockerode";
import { type Rootfs, resolvePath } from "#runner/rootfs.ts";
import { decodeBytes } from "#runner/sensor/byte-text.ts";

/** One file that was opened in a container: `isExec` when that was to execute it. Paths are byte text. */
export type Opening = { path: string; isExec: boolean };

/**
 * Reads what `outside-truth.c` wrote. What comes before the first execution is the work of the engine, which looks into the
 * rootfs for its users. Throws when the record does not begin with the sign that it could see anything.
 */
export function parseRecord(record: Buffer): Opening[] {
  const [ready, ...events] = decodeBytes(record).split("\0").slice(0, -1);
  if (ready !== "r") throw new Error("the container was never mounted");
  const openings = events.map((event) => ({ path: event.slice(2), isExec: event[0] === "x" }));
  const first = openings.findIndex(({ isExec }) => isExec);
  return first < 0 ? [] : openings.slice(first);
}

/** A file that is gone when its event is read still has its name, with this behind it. */
const gone = / \(deleted\)$/;

/** The regular files of the image among these openings, each once; what the application made itself is none of them. */
export function openedFiles(rootfs: Rootfs, openings: readonly Opening[]): string[] {
  const paths = openings.map(({ path }) => (rootfs.has(path) ? path : path.replace(gone, "")));
  return [...new Set(paths)].filter((path) => rootfs.get(path)?.type === "file").sort();
}

/**
 * Throws when a record began too late, which would make the truth too small: the first file that was executed is then another
 * one than the sensor saw first (`firstExec`, as it was spelled).
 */
export function requireWhole(rootfs: Rootfs, openings: readonly Opening[], firstExec: string | undefined): void {
  const [first] = openings;
  const expected = firstExec === undefined ? undefined : resolvePath(rootfs, firstExec);
  if (first?.isExec && expected && "path" in expected && expected.path === first.path) return;
  throw new Error(`the outside record begins with ${first?.path ?? "nothing"}, the application with ${firstExec}`);
}

/** A recorder of one container; `stop` ends it and gives what it saw. */
type Recording = { stop(): Promise<Opening[]> };

/** The program that records; `close` removes it. Needs a C compiler, and root on the engine's machine. */
export async function buildRecorder(): Promise<{ record(mergedDir: string): Recording; close(): void }> {
  const directory = mkdtempSync(join(tmpdir(), "winnow-outside-"));
  const program = join(directory, "outside-truth");
  const source = join(import.meta.dirname, "outside-truth.c");
  const flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-pedantic", "-Werror"];
  await promisify(execFile)("gcc", [...flags, "-o", program, source]);
  return {
    record: (mergedDir) => record(program, mergedDir),
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function record(program: string, mergedDir: string): Recording {
  const child = spawn(program, [mergedDir], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  const said = Promise.all([buffer(child.stdout), text(child.stderr), ended]);
  said.catch(() => undefined); // until `stop` asks for it
  return {
    async stop() {
      child.stdin.end();
      const [events, complaint, code] = await said;
      if (code !== 0) throw new Error(`the recorder ended with ${code}: ${complaint.trim()}`);
      return parseRecord(events);
    },
  };
}

/**
 * The same engine, whose containers are recorded from before their first process. Those that only join the network of
 * another one are Winnow's own. Rejects with every container where the engine's storage has no merged directory.
 */
export function recordingDocker(docker: Docker, start: (mergedDir: string) => void): Docker {
  const createContainer = async (options: Docker.ContainerCreateOptions): Promise<Docker.Container> => {
    const container = await docker.createContainer(options);
    if (options.HostConfig?.NetworkMode?.startsWith("container:")) return container;
    const { GraphDriver } = await container.inspect();
    const { MergedDir } = (GraphDriver?.Data ?? {}) as { MergedDir?: string }; // the driver's own, untyped
    if (MergedDir) start(MergedDir);
    else throw new Error(`the storage of this engine (${GraphDriver?.Name}) has no merged directory to watch`);
    return container;
  };
  return Object.create(docker, { createContainer: { value: createContainer } });
}
