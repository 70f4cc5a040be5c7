import type { Readable } from "node:stream";
import { WinnowError } from "#contract/error.ts";
import { familiarName, familiarReference, type Reference, withDefaultTag } from "#contract/reference.ts";
import type { RunnerDeps } from "../deps.ts";
import { readSource, type SourceImage } from "../image/source.ts";
import { findCredentials } from "./credentials.ts";
import { calling, canceled, engineError, hasStatus, throwIfAborted } from "./errors.ts";
import { type EngineMessage, readMessages } from "./json-lines.ts";
import { removing } from "./removal.ts";

/** What it takes to work with images. */
export type ImageDeps = Pick<RunnerDeps, "engine" | "signal">;

/** Reads config, layers and history of an image that the engine has; `name` is a reference or an id. Throws `image.not-found`. */
export async function inspectImage({ engine, signal }: ImageDeps, name: string): Promise<SourceImage> {
  const image = engine.docker.getImage(name);
  try {
    const inspected = await calling("inspecting an image", signal, () => image.inspect());
    // By id: the tag may move between the two calls.
    const history = await calling("reading an image's history", signal, () =>
      engine.docker.getImage(inspected.Id).history(),
    );
    return readSource(name, inspected, history, engine.facts);
  } catch (thrown) {
    if (!hasStatus(thrown instanceof WinnowError ? thrown.cause : thrown, 404)) throw thrown;
    throw new WinnowError(
      "image.not-found",
      `The engine has no image ${name}.`,
      "Check the name, or let Winnow pull it with `--pull`.",
      thrown,
    );
  }
}

/**
 * Pulls a reference with the credentials of the Docker client's files. Throws `image.not-found` when the registry has no
 * such tag or digest, `image.pull-failed` when it refuses or cannot be reached, `disk.full`.
 */
export async function pullImage(
  { engine, signal }: ImageDeps,
  reference: Reference,
  onMessage: (message: EngineMessage) => void = () => {},
): Promise<void> {
  const name = familiarReference(withDefaultTag(reference));
  const authconfig = await findCredentials(engine.configDir, reference.domain);
  try {
    const options = { ...(authconfig ? { authconfig } : {}), abortSignal: signal };
    const answer = (await engine.docker.pull(name, options)) as Readable; // an http.IncomingMessage
    for await (const message of readMessages(answer)) onMessage(message);
  } catch (thrown) {
    throw signal.aborted ? canceled(signal.reason, thrown) : pullError(thrown, name, authconfig !== undefined);
  }
}

/** What a failed pull means. `withCredentials`: some were found and sent. */
export function pullError(thrown: unknown, name: string, withCredentials: boolean): WinnowError {
  const known = engineError(thrown, `pulling ${name}`);
  if (known.code === "disk.full" || known.code === "docker.unavailable") return known;
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  if (/denied|unauthorized|authentication required|no basic auth/i.test(words)) {
    return new WinnowError(
      "image.pull-failed",
      `The registry does not let ${name} be pulled: ${words.trim()}`,
      withCredentials
        ? "Check that the account may read it."
        : "Log in with `docker login` on the runner's host; also check the name.",
      thrown,
    );
  }
  if (/manifest.*(unknown|not found)|not found|no such image|does not exist/i.test(words)) {
    return new WinnowError(
      "image.not-found",
      `The registry has no image ${name}.`,
      "Check the name and the tag.",
      thrown,
    );
  }
  return new WinnowError(
    "image.pull-failed",
    `${name} could not be pulled: ${words.trim()}`,
    "Check that the engine reaches the registry.",
    thrown,
  );
}

/** Loads an archive (docker save or OCI layout). Throws `disk.full`, `docker.unavailable`, `docker.failed`, or what the archive's stream threw. */
export async function loadImage({ engine, signal }: ImageDeps, archive: Readable): Promise<void> {
  let broken: unknown;
  archive.once("error", (error) => {
    broken = error;
  });
  try {
    throwIfAborted(signal);
    // Not aborted in flight: the engine would finish all the same, and the image come when it was looked for in vain.
    await calling("loading an image", undefined, async () => {
      const answer = (await engine.docker.loadImage(archive, { quiet: true })) as Readable; // as in pullImage
      for await (const message of readMessages(answer)) void message;
    });
    throwIfAborted(signal);
  } catch (thrown) {
    throw broken instanceof WinnowError ? broken : thrown;
  } finally {
    archive.destroy();
  }
}

/** Gives an image (reference or id) one more name, moving the name from whatever had it. */
export async function tagImage({ engine, signal }: ImageDeps, name: string, reference: Reference): Promise<void> {
  const tag = withDefaultTag(reference).tag;
  await calling("tagging an image", signal, () =>
    engine.docker.getImage(name).tag({ repo: familiarName(reference), tag, abortSignal: signal }),
  );
}

/**
 * Takes one reference away; the image goes with its last one. False when there was none. By reference and without force,
 * so that no other name and no running container loses its image. An aborted job may call it.
 */
export async function removeImage({ engine }: Pick<ImageDeps, "engine">, reference: string): Promise<boolean> {
  return removing("removing an image", () => engine.docker.getImage(reference).remove({ force: false, noprune: true }));
}
