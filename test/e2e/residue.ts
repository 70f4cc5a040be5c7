import { readdirSync } from "node:fs";
import type { Engine } from "#runner/docker/engine.ts";
import { inspectImage } from "#runner/docker/images.ts";
import { leftovers } from "#runner/docker/sweep.ts";
import { sourceLabel } from "#runner/image/archive.ts";

/** Ids of all images that were made from this one, those without a name too. */
export async function imagesFrom(engine: Engine, reference: string): Promise<string[]> {
  const { chainId } = await inspectImage({ engine, signal: new AbortController().signal }, reference);
  const filters = { label: [`${sourceLabel}=${chainId}`] };
  const images = await engine.docker.listImages({ all: true, filters });
  return images.map(({ Id }) => Id);
}

/** What a job has left: on the engine by its labels and names, and in its temporary directory. Empty when it is clean. */
export async function residueOf(engine: Engine, jobId: string, tmpDir: string): Promise<string[]> {
  const { containers, networks, volumes, images } = await leftovers(engine, jobId);
  return [...containers, ...networks, ...volumes, ...images, ...readdirSync(tmpDir)];
}
