import type { KeepSet } from "../keep-set.ts";
import type { ScenarioRun } from "../observation.ts";
import { type Rootfs, resolvePath } from "../rootfs.ts";

/**
 * What the slim image was asked for in vain although the fat image has it: the signal for repair.
 * @param runs runs of the slim image under the sensor
 * @param forbidden entries that the user excluded: missing on purpose, so nothing to repair
 * @returns paths of entries of the fat image (links passed on the way included), sorted, each once
 */
export function missingInSlim(
  runs: readonly ScenarioRun[],
  rootfs: Rootfs,
  kept: KeepSet,
  forbidden: (path: string) => boolean,
): string[] {
  const missing = new Set<string>();
  for (const event of runs.flatMap((run) => run.sensor).flatMap((sensor) => sensor.files)) {
    if (event.result !== "noent" && event.result !== "notdir") continue;
    const found = resolvePath(rootfs, event.path);
    if ("missing" in found) continue;
    for (const path of [...found.links, found.path]) if (!kept.has(path) && !forbidden(path)) missing.add(path);
  }
  return [...missing].sort();
}
