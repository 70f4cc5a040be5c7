import { createHash } from "node:crypto";
import type { Probe, Scenario } from "#contract/job.ts";
import type { KeepSet } from "#runner/keep-set.ts";
import { layerOrder } from "#runner/stages/layer-order.ts";

/**
 * One endpoint, left out of the exercise. `scenario` is the one that it belongs to, and `rest` what is left of that: undefined
 * when the endpoint is the whole of it. All other scenarios stay as they are.
 */
export type HeldOut = { endpoint: string; scenario: string; rest: Scenario | undefined };

/**
 * Every way to leave out one endpoint: a probe of a scenario, or a scenario that has no probes and is a command. The only
 * scenario of a sample is none: without it nothing would be exercised.
 */
export function heldOutSets(scenarios: readonly Scenario[]): HeldOut[] {
  return scenarios.flatMap((scenario): HeldOut[] => {
    const { name, probes } = scenario;
    if (probes.length === 0) return scenarios.length > 1 ? [{ endpoint: name, scenario: name, rest: undefined }] : [];
    const titles = numbered(probes.map(titleOf));
    return probes.map((probe, at) => ({
      endpoint: titles[at] ?? "",
      scenario: name,
      rest: {
        ...scenario,
        probes: probes.filter((_, other) => other !== at),
        // What is asked by default would be the endpoint once more.
        defaultProbe: scenario.defaultProbe && !isDefaultProbe(probe),
      },
    }));
  });
}

const isDefaultProbe = (probe: Probe): boolean =>
  probe.kind === "http" && probe.method === "GET" && probe.resource === "/" && probe.headers.length === 0;

function titleOf(probe: Probe): string {
  if (probe.kind === "http") return `${probe.method} ${probe.resource}`;
  if (probe.kind === "exec") return `exec ${probe.argv.join(" ")}`;
  return `tcp ${JSON.stringify(probe.send ?? "")}`;
}

/** The second of two equal titles gets ` (2)`. */
function numbered(titles: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return titles.map((title) => {
    const count = (counts.get(title) ?? 0) + 1;
    counts.set(title, count);
    return count > 1 ? `${title} (${count})` : title;
  });
}

/** Equal for keep sets that hold the same entries, whatever their reasons: one image has one answer for all of them. */
export const keepHash = (kept: KeepSet): string =>
  createHash("sha256").update(layerOrder(kept).join("\0")).digest("hex");
