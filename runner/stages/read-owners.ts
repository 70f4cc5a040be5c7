import { type Owners, packageOwners } from "../report/package-owners.ts";
import type { Rootfs } from "../rootfs.ts";
import { packContext } from "../rules/packs/context.ts";
import { packageFaults } from "../rules/packs/package-faults.ts";
import { type FileSession, readWhole } from "./examine.ts";

/** Databases and lists of all packages together; what is over it stays unread, and its packages own nothing. */
const maxBytes = 256 << 20;

/** Who owns what, and what is wrong with the databases that say it: `PATH is cut short`. */
export type ReadOwners = Owners & { faults: readonly string[] };

/** Reads the package databases of the pristine image, as far as they are needed to tell who owns what. */
export async function readOwners(rootfs: Rootfs, files: FileSession): Promise<ReadOwners> {
  const contents = new Map<string, Buffer | null>();
  let bytes = 0;
  const isAffordable = (path: string): boolean => {
    bytes += rootfs.get(path)?.size ?? 0;
    return bytes <= maxBytes;
  };
  for (;;) {
    const { context, reads } = packContext({ rootfs, contents, ...nothingKnown });
    const owners = { ...packageOwners(context), faults: packageFaults(context) };
    if (reads.size === 0) return owners;
    const read = await readWhole([...reads].filter(isAffordable), files);
    for (const path of reads) contents.set(path, read.get(path) ?? null);
  }
}

/** Who owns what does not depend on how the image is run. */
const nothingKnown = {
  runs: [],
  seen: [],
  config: { env: [], workdir: "/", entrypoint: [], cmd: [] },
};
