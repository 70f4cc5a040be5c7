import type { Keep } from "#contract/job.ts";
import { type Rootfs, resolvePath } from "../rootfs.ts";
import type { Wanted } from "./wanted.ts";

const lockDirectories = ["/run/lock", "/var/lock", "/var/run/lock"];

/**
 * What was used is not always the image's: below a mount of the job it is the mount's, and locks belong to a run. Of such
 * places only the directory itself was seen.
 * @param mounts `SOURCE:TARGET[:ro]`
 */
export function withoutRunTimeData(
  rootfs: Rootfs,
  seen: readonly Wanted[],
  { excludeMounts, excludeLockFiles }: Pick<Keep, "excludeMounts" | "excludeLockFiles">,
  mounts: readonly string[],
): Wanted[] {
  const targets = excludeMounts ? mounts.flatMap((mount) => mount.split(":")[1] ?? []) : [];
  const places = [...targets, ...(excludeLockFiles ? lockDirectories : [])].flatMap((spelled) => {
    const found = resolvePath(rootfs, spelled);
    return "path" in found && found.path !== "/" ? [found.path] : [];
  });
  if (places.length === 0) return [...seen];
  return seen.filter(({ path }) => !places.some((place) => path.startsWith(`${place}/`)));
}
