import type { Keep } from "#contract/job.ts";
import { type Rootfs, resolvePath } from "../rootfs.ts";
import type { Wanted } from "./wanted.ts";

const lockDirectories = ["/run/lock", "/var/lock", "/var/run/lock"];

/**
 * What was used is not always the image's: below a mount of the job it is the mount's, and lock files belong to a run.
 * Directories for locks are the image's: Debian's apachectl would make its own anew, with programs that nothing else runs.
 * @param mounts `SOURCE:TARGET[:ro]`
 */
export function withoutRunTimeData(
  rootfs: Rootfs,
  seen: readonly Wanted[],
  { excludeMounts, excludeLockFiles }: Pick<Keep, "excludeMounts" | "excludeLockFiles">,
  mounts: readonly string[],
): Wanted[] {
  const mounted = excludeMounts ? mounts.flatMap((mount) => mount.split(":")[1] ?? []) : [];
  const places = placesIn(rootfs, mounted);
  const locks = placesIn(rootfs, excludeLockFiles ? lockDirectories : []);
  return seen.filter(
    ({ path }) => !isBelow(places, path) && !(isBelow(locks, path) && rootfs.get(path)?.type !== "directory"),
  );
}

const isBelow = (places: readonly string[], path: string): boolean =>
  places.some((place) => path.startsWith(`${place}/`));

/** Where the spelled directories really are; those that the image does not have are left out. */
const placesIn = (rootfs: Rootfs, spelled: readonly string[]): string[] =>
  spelled.flatMap((path) => {
    const found = resolvePath(rootfs, path);
    return "path" in found && found.path !== "/" ? [found.path] : [];
  });
