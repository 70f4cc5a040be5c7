import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { RunnerDeps } from "../deps.ts";

/** One running process of one host: `startTicks` (clock ticks since boot) tells it from a later one with the same pid. */
export type Owner = { host: string; pid: number; startTicks: string };

export const labels = { job: "dev.winnow.job", runner: "dev.winnow.runner", owner: "dev.winnow.owner" } as const;

/** When a process was started, field 22 of /proc/PID/stat (proc(5)); undefined when there is none, `0` without /proc. */
export function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold blanks and parentheses itself.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return process.platform === "linux" || !isAlive(pid) ? undefined : "0";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** This process. */
export const thisOwner = (): Owner => ({
  host: hostname(),
  pid: process.pid,
  startTicks: startTicksOf(process.pid) ?? "0",
});

/** `HOST/PID/START`, the value of the owner label. */
export const formatOwner = ({ host, pid, startTicks }: Owner): string => `${host}/${pid}/${startTicks}`;

export function parseOwner(text: string): Owner | undefined {
  const [, host, pid, startTicks] = /^([^/]+)\/(\d+)\/(\d+)$/.exec(text) ?? [];
  return host && pid && startTicks ? { host, pid: Number(pid), startTicks } : undefined;
}

/** True when the owner was a process of this host and is no more. Of other hosts we know nothing, so they are never dead. */
export const isDead = (owner: Owner, here = hostname(), startOf = startTicksOf): boolean =>
  owner.host === here && startOf(owner.pid) !== owner.startTicks;

/** The labels of everything that a job makes on the engine. */
export const ownedLabels = ({ jobId, runnerId }: Pick<RunnerDeps, "jobId" | "runnerId">): Record<string, string> => ({
  [labels.job]: jobId,
  [labels.runner]: runnerId,
  [labels.owner]: formatOwner(thisOwner()),
});
