import { posix } from "node:path";
import type { Warning } from "#contract/report.ts";
import type { KeepSet } from "../keep-set.ts";
import type { ScenarioRun } from "../observation.ts";
import { childrenOf, type Rootfs, resolvePath } from "../rootfs.ts";
import { filesBytes } from "../rootfs-size.ts";

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

/** Warns of what the user excluded and the slim image then looked for in vain: its answers may differ for that. */
export function missingOnPurpose(
  runs: readonly ScenarioRun[],
  rootfs: Rootfs,
  excluded: (path: string) => boolean,
): Warning[] {
  const paths = new Set<string>();
  for (const { path, result } of runs.flatMap((run) => run.sensor).flatMap((sensor) => sensor.files)) {
    if (result !== "noent" && result !== "notdir") continue;
    const found = resolvePath(rootfs, path);
    if ("path" in found && excluded(found.path)) paths.add(found.path);
  }
  if (paths.size === 0) return [];
  const named = [...paths].sort().slice(0, 5).join(", ");
  const more = paths.size > 5 ? ` and ${paths.size - 5} more` : "";
  return [
    { code: "exclude.needed", text: `The slim image looked for what an exclude pattern took away: ${named}${more}.` },
  ];
}

/** A directory with more behind it is not brought back for its listing, bytes and entries. */
const listingCap = { bytes: 16 * 2 ** 20, entries: 2000 };

/**
 * What listings of the slim image do not show although the fat image's do: the second signal for repair, used only when
 * answers differ and no look-up failed, since most programs that list a directory use one entry of it.
 * @returns direct entries of the listed directories, without what is below them; sorted, each once
 */
export function hiddenInListings(
  runs: readonly ScenarioRun[],
  rootfs: Rootfs,
  kept: KeepSet,
  forbidden: (path: string) => boolean,
): string[] {
  const children = childrenOf(rootfs);
  const events = runs.flatMap((run) => run.sensor).flatMap((sensor) => sensor.files);
  const listed = new Set(
    events.filter(({ kind, result }) => kind === "list" && result === "ok").map(({ path }) => path),
  );
  const hidden = [...listed].flatMap((directory) => {
    const names = children.get(directory) ?? [];
    const paths = names
      .map((name) => posix.join(directory, name))
      .filter((path) => !kept.has(path) && !forbidden(path));
    const entries = paths.flatMap((path) => rootfs.get(path) ?? []);
    return entries.length > listingCap.entries || filesBytes(entries) > listingCap.bytes ? [] : paths;
  });
  return [...new Set(hidden)].sort();
}
