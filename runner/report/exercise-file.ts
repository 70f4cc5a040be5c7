import type { HttpProbe } from "#contract/job.ts";

/** Requests in the form of `--http-probe-cmd-file` (runner/probes/parse-probe.ts), so that another job can send the same. */
export function exerciseFile(probes: readonly HttpProbe[]) {
  return {
    commands: probes.map(({ kind: _kind, headers, ...probe }) => ({
      ...probe,
      ...(headers.length > 0 ? { headers: headers.map(([name, value]) => `${name}: ${value}`) } : {}),
    })),
  };
}
