import type { JobRequest } from "#contract/job.ts";
import type { RunnerDeps } from "../deps.ts";
import { reversedDockerfile } from "../image/dockerfile.ts";
import type { SourceImage } from "../image/source.ts";
import { resolve } from "./resolve.ts";

/** What can be said about an image without starting it. */
export type ImageInfo = {
  source: SourceImage;
  /**
   * Sum of what the steps of the history added, bytes, as the engine counts them. Null where it does not know: the containerd
   * image store measures a layer when it unpacks it, and it does not unpack what is for another platform.
   */
  layerBytes: number | null;
  dockerfile: string;
};

/** Reads metadata, layers and the reversed Dockerfile of an image of any platform. Never creates a container. Throws as `resolve`. */
export async function info(
  request: JobRequest,
  deps: Pick<RunnerDeps, "engine" | "signal" | "progress" | "log">,
  found?: SourceImage,
): Promise<ImageInfo> {
  const source = found ?? (await resolve({ ...request, kind: "info" }, deps));
  const bytes = source.history.reduce((sum, step) => sum + step.size, 0);
  const layerBytes = bytes === 0 && source.diffIds.length > 0 ? null : bytes;
  return { source, layerBytes, dockerfile: reversedDockerfile(source) };
}
