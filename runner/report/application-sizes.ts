import type { Report } from "#contract/report.ts";
import { filesBytes } from "../rootfs-size.ts";
import { applicationTrees } from "../rules/packs/application.ts";
import { packContext } from "../rules/packs/context.ts";
import type { Outcome } from "./outcome.ts";

type Known = Pick<Outcome, "contents"> & {
  index: Pick<Outcome["index"], "rootfs">;
  observed: Pick<Outcome["observed"], "runs">;
  source: Pick<Outcome["source"], "config">;
};

/**
 * The application's directories with their sizes, without packages and caches in them, as far as they are known: a profile
 * without packs has read no configuration that could name one.
 */
export function applicationSizes({ index, observed, source, contents }: Known): Report["application"] {
  const { config } = source;
  const { context } = packContext({
    rootfs: index.rootfs,
    runs: observed.runs.flatMap((run) => run.sensor.map((sensor) => ({ run: sensor }))),
    seen: [],
    config: {
      env: config.Env ?? [],
      workdir: config.WorkingDir ?? "",
      user: config.User ?? "",
      entrypoint: config.Entrypoint ?? [],
      cmd: config.Cmd ?? [],
    },
    contents,
  });
  return applicationTrees(context).map(({ path, reason, tree }) => ({
    path,
    reason,
    files: tree.entries.filter(({ type }) => type === "file").length,
    bytes: filesBytes(tree.entries),
  }));
}
