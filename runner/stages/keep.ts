import type { Keep } from "#contract/job.ts";
import { healthProbe } from "../image/healthcheck.ts";
import type { ImageConfig } from "../image/source.ts";
import type { ScenarioRun } from "../observation.ts";
import type { Rootfs } from "../rootfs.ts";
import type { FilesSession } from "../sensor/files-session.ts";
import { examine, type FileFacts, readWhole } from "./examine.ts";
import type { Repair } from "./repair-units.ts";
import { type Selection, select } from "./select.ts";

/** What is known when the keep set is decided. `facts` grows with every wave of reads and serves the repairs too. */
export type Known = {
  rootfs: Rootfs;
  observed: readonly ScenarioRun[];
  config: ImageConfig;
  keep: Keep;
  /** Mounts of the job: `SOURCE:TARGET[:ro]`. */
  mounts?: readonly string[];
  /** What layers brought, by the rule that wants it. */
  layers?: readonly { rule: string; paths: readonly string[] }[];
  facts: Map<string, FileFacts>;
  contents: Map<string, Buffer | null>;
};

/** Waves of reads until the closure needs nothing more; each follows one more level of references. */
const maxWaves = 64;

/** Decides the keep set: `select` says what it must know, `examine` reads it, until nothing is left to know. */
export async function decideKeep(known: Known, repairs: readonly Repair[], files: FilesSession): Promise<Selection> {
  const { rootfs, observed, config, keep, mounts, layers, facts, contents } = known;
  const input = {
    rootfs,
    runs: observed.flatMap((run) => run.sensor.map((sensor) => ({ scenario: run.scenario, run: sensor }))),
    config: {
      entrypoint: config.Entrypoint ?? [],
      cmd: config.Cmd ?? [],
      user: config.User ?? "",
      workdir: config.WorkingDir ?? "",
      env: config.Env ?? [],
      volumes: Object.keys(config.Volumes ?? {}),
      healthcheck: healthProbe(config)?.argv,
    },
    keep,
    mounts,
    layers,
    repairs,
    facts,
    contents,
  };
  for (let wave = 0; wave < maxWaves; wave += 1) {
    const selection = select(input);
    if (selection.wants.length + selection.reads.length === 0) return selection;
    for (const [path, found] of await examine(selection.wants, files)) facts.set(path, found);
    for (const [path, content] of await readWhole(selection.reads, files)) contents.set(path, content);
  }
  throw new Error(`the closure did not end within ${maxWaves} waves of reads`);
}
