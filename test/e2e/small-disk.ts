import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system of its own over a directory that was there, with what was in it. */
export type SmallDisk = {
  /** Takes all room but so much, bytes; what others write meanwhile is theirs. */
  fill(leaveBytes?: number): void;
  /** Gives the room back. */
  free(): void;
  remove(): void;
};

/** Whether this user may mount file systems. */
export const canMount = process.getuid?.() === 0;

/** Lays a disk of this size over `directory`. Nobody may have files of it open. */
export function laySmallDisk(directory: string, bytes: number): SmallDisk {
  const copy = mkdtempSync(join(tmpdir(), "winnow-disk-"));
  const options = { recursive: true, preserveTimestamps: true };
  cpSync(directory, copy, options);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=700`, "winnow-test", directory]);
  cpSync(copy, directory, options);
  rmSync(copy, { recursive: true });
  const ballast = join(directory, "ballast");
  return {
    fill: (leaveBytes = 0) => {
      const { bavail, bsize } = statfsSync(directory);
      const room = bavail * bsize - leaveBytes;
      if (room > 0) appendAll(ballast, Buffer.alloc(room));
    },
    free: () => rmSync(ballast, { force: true }),
    // Lazily: whoever still has files open ends with the test.
    remove: () => void execFileSync("umount", ["--lazy", directory]),
  };
}

/** As much as there is room for: others write too. */
function appendAll(path: string, bytes: Buffer): void {
  try {
    writeFileSync(path, bytes, { flag: "a" });
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOSPC")) throw thrown;
  }
}
