import { readFileSync } from "node:fs";

/** What a process has used so far: its largest resident set, bytes, and processor time, s. Throws when it is gone. */
export function processUse(pid: number): { maxRssBytes: number; cpuSeconds: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from the state, which is field 3 of proc(5)
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { maxRssBytes: Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) * 1024, cpuSeconds: ticks / 100 };
}
