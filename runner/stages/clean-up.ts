import { WinnowError } from "#contract/error.ts";
import type { Keep } from "#contract/job.ts";
import type { Rootfs } from "../rootfs.ts";
import { disposable } from "../rules/clean-up.ts";
import { exclusion } from "../rules/exclude.ts";
import { isNeverKept } from "../rules/never.ts";
import { walk } from "../rules/walk.ts";
import { byRule, type Wanted } from "../rules/wanted.ts";
import type { Selection } from "./select.ts";

type Image = { rootfs: Rootfs; env: readonly string[]; keep: Pick<Keep, "excludePatterns"> };

/**
 * What stays of an image that nothing exercised: all that was selected, and everything else but what is `disposable`, unless a
 * link leads to it. What the user excludes goes as well. Throws `result.not-smaller` when that is the whole image.
 */
export function cleanUp(selection: Selection, { rootfs, env, keep }: Image): Selection {
  const selected = [...selection.kept].map(([path, reason]): Wanted => ({ path, reason, use: "exist" }));
  const rest = [...rootfs].flatMap(([path, { type }]) =>
    type === "directory" || disposable(path, env) === undefined ? [byRule(path, "not exercised")] : [],
  );
  const excludedBy = exclusion(rootfs, keep.excludePatterns);
  const graph = { rootfs, patterns: keep.excludePatterns, excludedBy, edges: () => [] };
  const { kept, excluded, warnings } = walk([...selected, ...rest], graph);
  if (![...rootfs.values()].some((entry) => entry.type === "file" && !kept.has(entry.path) && !isNeverKept(entry)))
    throw new WinnowError(
      "result.not-smaller",
      "Nothing exercised the application, and nothing in the image can be taken away without that.",
      "Exercise it: with probes, --exec COMMAND, or a command after --.",
    );
  return { ...selection, kept, excluded, warnings: [...selection.warnings, ...warnings] };
}
