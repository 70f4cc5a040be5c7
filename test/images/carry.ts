import { spawn } from "node:child_process";
import { once } from "node:events";
import type Docker from "dockerode";
import type { Engine } from "#runner/docker/engine.ts";
import { imageOf } from "./build.ts";

/** The diff ids of an image: all that two engines agree on. Undefined when there is no such image. */
async function layersOf(docker: Docker, image: string): Promise<string | undefined> {
  try {
    return (await docker.getImage(image).inspect()).RootFS.Layers?.join(" ");
  } catch {
    return undefined;
  }
}

/** Makes the samples of one engine known to another, all that differ in one archive: they share most of their layers. */
export async function carrySamples(from: Engine, to: Engine, names: readonly string[]): Promise<void> {
  const missing: string[] = [];
  for (const image of names.map((name) => imageOf(name))) {
    if ((await layersOf(from.docker, image)) !== (await layersOf(to.docker, image))) missing.push(image);
  }
  if (missing.length === 0) return;
  const save = spawn("docker", ["-H", from.host, "save", ...missing], { stdio: ["ignore", "pipe", "inherit"] });
  const load = spawn("docker", ["-H", to.host, "load", "--quiet"], { stdio: ["pipe", "ignore", "inherit"] });
  save.stdout.pipe(load.stdin);
  const [[saved], [loaded]] = await Promise.all([once(save, "exit"), once(load, "exit")]);
  if (saved !== 0 || loaded !== 0)
    throw new Error(`the samples could not be carried over: save ${saved}, load ${loaded}`);
}
