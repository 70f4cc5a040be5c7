/**
 * What an engine makes in a new container's rootfs when the image does not have it, as mount points (moby
 * daemon/initlayer, and runc for the mounts of every container). None of it is seen when the image runs: it is mounted over.
 */
const files = new Set(["/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab"]);
const mounts = ["/dev", "/proc", "/sys"];
/** Directories whose content, and so whose mtime, changes by it. */
const parents = new Set(["/", "/etc"]);

const isMount = (path: string): boolean => mounts.some((mount) => path === mount || path.startsWith(`${mount}/`));

/** An entry that may stand in a container's rootfs without standing in the image, and whose mtime may be the container's. */
export const isEngineMade = (path: string): boolean => files.has(path) || parents.has(path) || isMount(path);
