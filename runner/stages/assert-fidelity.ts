import { WinnowError } from "#contract/error.ts";
import type { ImageConfig } from "../image/source.ts";
import type { KeepSet } from "../keep-set.ts";
import type { Rootfs } from "../rootfs.ts";
import { rootfsBytes } from "../rootfs-size.ts";
import { compareConfig, compareEntries } from "./fidelity.ts";
import type { Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { withFiles } from "./open-files.ts";

/** `config` and `fat` are the original's with what the job wants otherwise, and nothing else. */
type Rebuilt = { config: ImageConfig; subject: Subject; fat: Rootfs; kept: KeepSet };

/**
 * Reads the slim image back and compares every kept entry, and the config, with what it should be. Returns its rootfs.
 * Throws `fidelity.lost`, and `result.not-smaller` when nothing was taken away.
 */
export async function assertFidelity({ config, subject, fat, kept }: Rebuilt, deps: JobDeps): Promise<Rootfs> {
  const { rootfs } = await withFiles(subject, deps, ({ files }) => files.index());
  const faults = [
    ...compareEntries(fat, rootfs, kept.keys(), Object.keys(subject.config.Volumes ?? {})),
    ...compareConfig(config, subject.config),
  ];
  const [first] = faults;
  if (first) {
    deps.log.error({ faults: faults.slice(0, 100) }, "the slim image does not hold what was asked for");
    throw new WinnowError(
      "fidelity.lost",
      `${faults.length} properties of the slim image differ from the original, first: ${JSON.stringify(first)}`,
      "This is a fault of Winnow or of the engine's image store: report it with the job's log.",
    );
  }
  if (rootfsBytes(rootfs) < rootfsBytes(fat)) return rootfs;
  throw new WinnowError(
    "result.not-smaller",
    `The slim image would not be smaller: ${rootfsBytes(rootfs)} bytes of ${rootfsBytes(fat)} are used.`,
    "There is nothing to take away from this image; use it as it is.",
  );
}
