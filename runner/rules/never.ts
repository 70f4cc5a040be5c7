import type { Entry } from "../rootfs.ts";

/** The engine makes these for every container: what the index shows of them is the engine's, not the image's. */
const engineFiles = new Set(["/.dockerenv", "/run/.containerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]);

const mounts = ["/proc/", "/sys/", "/dev/"];

/** Entries that no image holds, whatever asks for them: the engine's own, all below the kernel's mounts, and sockets. */
export function isNeverKept(entry: Pick<Entry, "path" | "type">): boolean {
  const { path, type } = entry;
  return type === "socket" || engineFiles.has(path) || mounts.some((mount) => path.startsWith(mount));
}
