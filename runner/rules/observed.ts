import { posix } from "node:path";
import type { Rootfs } from "../rootfs.ts";
import type { SensorRun } from "../sensor/events.ts";
import { placing } from "./place.ts";
import type { Use, Wanted } from "./wanted.ts";

type ScenarioEvents = { scenario: string; run: SensorRun };

/**
 * What the application did with entries of the pristine image, as far as it found them there. Entries that it made itself are
 * none of the image's; `select` drops paths that the rootfs does not have.
 *
 * - Any successful look keeps the entry: reading, but also stat, readlink, list, chdir. A stat alone carries meaning (the `.py`
 *   beside a `.pyc`, a directory that an import system or a server tests for), and an entry that was there stays there.
 * - A refused one (permission, "already exists", "not a link") does too: without the entry the answer would be another one.
 * - Creating or opening for writing what the image does not have keeps the directory it is made in.
 * - Only reading and executing ask for the libraries of a file: what is merely looked at is never loaded.
 */
export function observed(rootfs: Rootfs, runs: readonly ScenarioEvents[]): Wanted[] {
  const found = new Map<string, Wanted>();
  const place = placing(rootfs);
  const see = (path: string, scenario: string, detail: string, use: Use) => {
    const before = found.get(path);
    if (!before) found.set(path, { path, reason: { kind: "observed", by: scenario, detail }, use });
    else if (rank[use] > rank[before.use]) found.set(path, { ...before, use });
  };
  for (const { scenario, run } of runs) {
    for (const { kind, path, result } of run.files) {
      const exists = result === "ok" || result === "err";
      if (kind === "write" && (exists || result === "noent") && !place(path))
        see(posix.dirname(path), scenario, "written-in", "exist");
      else if (exists) see(path, scenario, kind, result === "ok" ? useOf(kind) : "exist");
    }
    for (const link of run.links) see(link.path, scenario, "link", "exist");
    for (const path of [...run.interpreters, ...run.exes.filter(Boolean)]) see(path, scenario, "exec", "run");
  }
  return [...found.values()];
}

const rank: Record<Use, number> = { exist: 0, load: 1, run: 2 };

function useOf(kind: SensorRun["files"][number]["kind"]): Use {
  return kind === "exec" ? "run" : kind === "read" ? "load" : "exist";
}
