import { posix } from "node:path";
import { findProgram } from "../program.ts";
import { byPack, type Pack } from "./pack.ts";

const compressors = ["gzip", "bzip2", "xz", "zstd", "lzma", "compress"];

/**
 * `tar` starts the program of a compression by a name that no script shows: an option or the archive itself says which. Only for a
 * `tar` that something asks for; what one that ran needed was observed.
 */
export const archiver: Pack = {
  name: "compressors",
  edges: ({ path, entry }, { use, reason }, { rootfs, env }) => {
    if (use !== "run" || reason.kind !== "script" || entry.type !== "file") return [];
    if (!/^g?tar$/.test(posix.basename(path))) return [];
    return compressors.flatMap((name) => {
      const program = findProgram(rootfs, name, { env, workdir: "/" });
      return program === undefined ? [] : [byPack("script", program, path, "compression", "run")];
    });
  },
};
