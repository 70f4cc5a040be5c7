import type { Scenario } from "#contract/job.ts";

/** A scenario's HTTP probes as the JSON file of `--http-probe-cmd-file`. Throws for a probe that the file cannot say. */
export function probeFileOf({ probes }: Pick<Scenario, "probes">): string {
  const commands = probes.map((probe) => {
    if (probe.kind !== "http") throw new Error(`a ${probe.kind} probe has no place in a file of HTTP probes`);
    const { kind: _, headers, ...fields } = probe;
    return { ...fields, headers: headers.map(([name, value]) => `${name}: ${value}`) };
  });
  return `${JSON.stringify({ commands }, null, 2)}\n`;
}
