import { canonicalJson } from "#contract/canonical-json.ts";
import type { Source, SourceAnswer } from "#contract/service/runner-protocol.ts";
import type { RunnerDeps } from "../deps.ts";
import { inspectImage } from "../docker/images.ts";
import { type SourceImage, sha256 } from "../image/source.ts";

/** What an image is, wherever it lies: engines differ in ids and digests, but not in these. */
export function sourceOf({ chainId, config, os, architecture, variant = "" }: SourceImage): Source {
  return { key: sha256(canonicalJson({ chainId, config, os, architecture, variant })), chainId, os, architecture };
}

/**
 * Whether this engine has the slim image of an earlier job, under all names that the job gave it. An image under such a name
 * that is another one is somebody's newer work.
 */
export async function hasSlim(
  { slim }: Extract<SourceAnswer, { action: "cached" }>,
  deps: Pick<RunnerDeps, "engine" | "signal">,
): Promise<boolean> {
  if (slim === null) return true;
  const found = await Promise.all(
    slim.tags.map((tag) =>
      inspectImage(deps, tag).then(
        ({ chainId }) => chainId,
        () => undefined,
      ),
    ),
  );
  return found.length > 0 && found.every((chainId) => chainId === slim.chainId);
}
