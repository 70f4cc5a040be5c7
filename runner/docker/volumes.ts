import type { RunnerDeps } from "../deps.ts";
import type { Engine } from "./engine.ts";
import { calling } from "./errors.ts";
import { ownedLabels } from "./owner.ts";
import { removing } from "./removal.ts";

type VolumeDeps = Pick<RunnerDeps, "engine" | "jobId" | "runnerId" | "signal">;

/** Creates an empty volume on the engine's own disk, labelled as the job's. Throws `disk.full`, `docker.unavailable`, `docker.failed`, `job.canceled`. */
export async function createVolume(deps: VolumeDeps, name: string): Promise<void> {
  const { docker } = deps.engine;
  await calling("creating a volume", deps.signal, () =>
    docker.createVolume({ Name: name, Driver: "local", Labels: ownedLabels(deps) }),
  );
}

/** Removes a volume that no container uses any more; one that is gone is fine. An aborted job may call it. */
export async function removeVolume({ docker }: Pick<Engine, "docker">, name: string): Promise<void> {
  await removing("removing a volume", () => docker.getVolume(name).remove());
}
