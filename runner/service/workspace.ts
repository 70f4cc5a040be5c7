import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { WinnowError } from "#contract/error.ts";
import { isDead, startTicksOf, thisOwner } from "../docker/owner.ts";

/** Where the attempts of this process keep their files. */
export type Workspace = { path: string; close(): void };

/**
 * Makes the directory of this process below `directory`/tmp, and removes those of processes that are no more. Throws `config.invalid`
 * when another runner that is alive uses the same state: the two would take each other's jobs for lost.
 */
export function openWorkspace(directory: string, startOf = startTicksOf): Workspace {
  const { pid, startTicks } = thisOwner();
  const root = join(directory, "tmp");
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    refuseSecond(directory, sweepWorkspaces(root, startOf));
    const path = join(root, `${pid}.${startTicks}`);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return { path, close: () => rmSync(path, { recursive: true, force: true }) };
  } catch (thrown) {
    if (thrown instanceof WinnowError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const hint = "Name a directory that this user may write with --state-path.";
    throw new WinnowError("config.invalid", `The runner's state at ${directory} cannot be used: ${why}.`, hint, thrown);
  }
}

/** Removes what dead processes left, and names the living ones but this. */
function sweepWorkspaces(root: string, startOf: typeof startTicksOf): number[] {
  const living: number[] = [];
  for (const name of readdirSync(root)) {
    const [, pid, startTicks] = /^(\d+)\.(\d+)$/.exec(name) ?? [];
    const owner = pid && startTicks ? { host: hostname(), pid: Number(pid), startTicks } : undefined;
    if (!owner || isDead(owner, undefined, startOf)) rmSync(join(root, name), { recursive: true, force: true });
    else if (owner.pid !== process.pid) living.push(owner.pid);
  }
  return living;
}

function refuseSecond(directory: string, [pid]: number[]): void {
  if (pid === undefined) return;
  throw new WinnowError(
    "config.invalid",
    `Another runner (process ${pid}) uses the state at ${directory}.`,
    "Give each runner a state of its own with --state-path, or one runner more slots.",
  );
}
