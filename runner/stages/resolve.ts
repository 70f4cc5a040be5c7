import { WinnowError } from "#contract/error.ts";
import type { JobRequest } from "#contract/job.ts";
import { isImageId, parseReference } from "#contract/reference.ts";
import type { RunnerDeps } from "../deps.ts";
import type { EngineFacts } from "../docker/engine.ts";
import { inspectImage, pullImage } from "../docker/images.ts";
import { compileGlob } from "../glob.ts";
import { editedConfig } from "../image/edit-config.ts";
import type { SourceImage } from "../image/source.ts";

type Deps = Pick<RunnerDeps, "engine" | "signal" | "progress" | "log">;
type Asked = Pick<JobRequest, "image" | "pull" | "kind" | "scenarios" | "tags" | "output" | "run" | "keep">;

/**
 * Finds the image that a job means, pulling it when the policy says so. Throws `request.invalid`, `image.not-found`,
 * `image.pull-failed`, and what `refuseUnfit` does.
 */
export async function resolve(request: Asked, deps: Deps): Promise<SourceImage> {
  // Read once here only to refuse it: a malformed name or pattern is not worth an observation.
  for (const tag of request.tags) parseReference(tag);
  const { includePaths, excludePatterns, pathPerms } = request.keep;
  for (const pattern of [...includePaths, ...excludePatterns, ...pathPerms.map(({ path }) => path)])
    compileGlob(pattern);
  const source = await find(request, deps);
  refuseUnfit({ ...source, config: editedConfig(source.config, request) }, request, deps.engine.facts);
  const triggers = source.config.OnBuild?.length ?? 0;
  if (triggers > 0) {
    const text = `${request.image} has ${triggers} ONBUILD instructions: it is made to be built upon, and a build upon the slim image may miss files.`;
    deps.log.warn({ image: request.image, triggers }, "image with ONBUILD");
    deps.progress({ kind: "note", text });
  }
  return source;
}

async function find({ image, pull }: Asked, deps: Deps): Promise<SourceImage> {
  if (isImageId(image)) return inspectImage(deps, image);
  const reference = parseReference(image);
  const note = (text: string): void => deps.progress({ kind: "note", text });
  const fetch = async (): Promise<SourceImage> => {
    note(`Pulling ${image}.`);
    // Messages with an id are the progress of single layers.
    await pullImage(deps, reference, ({ id, status }) => {
      if (id === undefined && status !== undefined) note(status);
    });
    return inspectImage(deps, image);
  };
  if (pull === "always") return fetch();
  try {
    return await inspectImage(deps, image);
  } catch (thrown) {
    const isAbsent = thrown instanceof WinnowError && thrown.code === "image.not-found";
    if (!isAbsent || pull === "never") throw thrown;
    return fetch();
  }
}

/** Throws `image.wrong-platform` or `image.nothing-to-run` for an image that cannot be run here; `info` only looks at it. */
export function refuseUnfit(
  source: SourceImage,
  { kind, scenarios }: Pick<Asked, "kind" | "scenarios">,
  facts: EngineFacts,
): void {
  if (kind === "info") return;
  const here = `${facts.os}/${facts.architecture}`;
  const there = `${source.os || "linux"}/${source.architecture || facts.architecture}`;
  if (!there.startsWith("linux/")) {
    throw new WinnowError(
      "image.wrong-platform",
      `${source.reference} is an image for ${there}.`,
      "Only Linux images can be observed.",
    );
  }
  if (there !== here) {
    throw new WinnowError(
      "image.wrong-platform",
      `${source.reference} is an image for ${there}, and the engine runs ${here}.`,
      `Use an engine on ${there}, or pull the image for ${here}.`,
    );
  }
  const { Entrypoint = [], Cmd = [] } = source.config;
  const idle = scenarios.find(({ entrypoint, cmd }) => {
    // As the engine merges them: an ENTRYPOINT of the scenario drops the image's CMD.
    const argv = entrypoint ? [...entrypoint, ...(cmd ?? [])] : [...Entrypoint, ...(cmd ?? Cmd)];
    return argv.length === 0;
  });
  if (idle) {
    throw new WinnowError(
      "image.nothing-to-run",
      `${source.reference} has neither ENTRYPOINT nor CMD, and the scenario "${idle.name}" gives no command.`,
      "Say what to run with `--entrypoint` or `--cmd`.",
    );
  }
}
