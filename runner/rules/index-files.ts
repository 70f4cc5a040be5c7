import type { Rootfs } from "../rootfs.ts";

/** Files that rules read as a whole, where an image has them. */
const wellKnown = ["/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.preload", "/etc/nsswitch.conf", "/etc/passwd"];

const confDirectory = "/etc/ld.so.conf.d/";

const muslPaths = ["/etc/ld-musl-", "/usr/etc/ld-musl-"];

/** Whether the whole content of a file is worth reading, by its real path: the files above may be links into other directories. */
export function isIndexFile(path: string): boolean {
  return /\/(ld\.so\.(cache|conf|preload)|nsswitch\.conf|passwd|ld-musl-[^/]+\.path|ld\.so\.conf\.d\/[^/]+)$/.test(
    path,
  );
}

/** The index files of this image, as spelled by the programs that read them. */
export function indexFiles(rootfs: Rootfs): string[] {
  const more = [...rootfs.keys()].filter(
    (path) =>
      path.startsWith(confDirectory) || muslPaths.some((start) => path.startsWith(start) && path.endsWith(".path")),
  );
  return [...wellKnown.filter((path) => rootfs.has(path)), ...more];
}
