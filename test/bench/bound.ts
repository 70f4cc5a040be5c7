import { type Rootfs, resolvePath } from "#runner/rootfs.ts";
import { filesBytes } from "#runner/rootfs-size.ts";
import { parseEvents, type SensorRun } from "#runner/sensor/events.ts";

/** The runs in an artifact `events.txt.gz`, unpacked: each stands under a line `# SCENARIO` (docs/artifacts.md). */
export function runsOf(artifact: Buffer): SensorRun[] {
  const starts: number[] = [];
  for (let at = 0; at >= 0 && at < artifact.length; ) {
    const end = artifact.indexOf("\n", at);
    if (artifact.toString("latin1", at, at + 2) === "# ") starts.push(at);
    at = end < 0 ? -1 : end + 1;
  }
  return starts.map((start, index) => {
    const body = artifact.indexOf("\n", start) + 1;
    // The code of the end mark was checked by the job, which alone knows its key.
    return parseEvents(artifact.subarray(body, starts[index + 1] ?? artifact.length), "0".repeat(32));
  });
}

/** `/a/__pycache__/b.cpython-311.pyc` to `/a/b.py`: Python reads its time and size, and without it not the compiled one. */
export function sourceOfCompiled(path: string): string | undefined {
  const found = /^(.*)\/__pycache__\/([^/.]+)\.[^/]*\.pyc$/.exec(path);
  return found ? `${found[1]}/${found[2]}.py` : undefined;
}

/**
 * The least that an image must hold to do what these runs did, bytes: the regular files that were opened for reading or
 * executed, the interpreters of what was executed, and the source beside each compiled Python module. Hard links once,
 * symbolic links for what they lead to. Knows nothing of how the product chooses, so that it can be held against it.
 */
export function fileBound(rootfs: Rootfs, runs: readonly SensorRun[]): number {
  const paths = new Set<string>();
  for (const run of runs) {
    for (const { kind, path, result } of run.files) {
      if (result === "ok" && (kind === "read" || kind === "exec")) paths.add(path);
    }
    for (const path of run.interpreters) paths.add(path);
  }
  return boundOf(rootfs, paths);
}

/** The same for files that are known to be used, whoever saw that. */
export function boundOf(rootfs: Rootfs, paths: Iterable<string>): number {
  const used = new Map(
    [...paths]
      .flatMap((path) => [path, sourceOfCompiled(path) ?? path])
      .flatMap((path) => {
        const found = resolvePath(rootfs, path);
        return "entry" in found ? [[found.path, found.entry]] : [];
      }),
  );
  return filesBytes(used.values());
}
