import { pipeline } from "node:stream/promises";
import { WinnowError } from "#contract/error.ts";
import { parseReference, slimTag } from "#contract/reference.ts";
import type { RunnerDeps } from "../deps.ts";
import { throwIfAborted } from "../docker/errors.ts";
import { inspectImage, loadImage, removeImage, tagImage } from "../docker/images.ts";
import { thisOwner } from "../docker/owner.ts";
import { composeImage, type ImageParts, slimConfig, writeArchive } from "../image/archive.ts";
import type { ImageConfig, SourceImage } from "../image/source.ts";
import { LayerSpool } from "../image/spool.ts";
import { SteadyTimes } from "../image/steady-times.ts";
import { temporaryReference } from "../image/temporary-reference.ts";
import type { Permission } from "../rules/permissions.ts";
import type { FilesSession } from "../sensor/files-session.ts";

/** What gives the tar of these paths of the pristine rootfs, in this order. */
export type PackSession = Pick<FilesSession, "pack">;

/** The rebuilt image on the engine. The digests are ours; only `engineId` is the engine's own word. */
export type SlimImage = {
  configDigest: string;
  manifestDigest: string;
  diffId: string;
  layerBytes: number;
  config: ImageConfig;
  engineId: string;
  /** The name that the image has until it is published: verification must come before anybody's tag moves. */
  reference: string;
  /** The names that it gets when it is published. */
  tags: string[];
};

export type RebuildInput = {
  source: SourceImage;
  /** What is kept, parents before children. */
  paths: readonly string[];
  /** The config that the image gets; left out: the source's. */
  edited?: ImageConfig;
  /** Entries with another owner or mode than in the source. */
  permissions?: ReadonlyMap<string, Permission>;
  /** As the user asked for; none: the source's name with `.slim`. */
  tags: readonly string[];
  /** 0 for the first try; each repair has its own temporary name. */
  round?: number;
};

export type RebuildDeps = Pick<RunnerDeps, "engine" | "signal" | "jobId" | "tmpDir">;

/**
 * Packs the kept paths into one layer, composes the image and loads it under a temporary name. Throws `fidelity.lost` when a
 * path is missing or the engine has loaded something else, `request.invalid` for a malformed tag, `disk.full`.
 */
export async function rebuild(
  { source, paths, edited, permissions, tags, round = 0 }: RebuildInput,
  session: PackSession,
  deps: RebuildDeps,
): Promise<SlimImage> {
  const wanted = tags.length > 0 ? [...tags] : [slimTag(source.reference)];
  for (const tag of wanted) refuseDigest(tag);
  const reference = temporaryReference(deps.jobId, round, thisOwner());
  const config = slimConfig(source, edited);
  const spool = new LayerSpool(deps.tmpDir);
  try {
    await packInto(spool, new SteadyTimes(createdSeconds(source), permissions), paths, session);
    const parts = composeImage(source, config, await spool.layer());
    const engineId = await load(deps, reference, parts);
    return {
      configDigest: parts.configDigest,
      manifestDigest: parts.manifestDigest,
      diffId: parts.layer.digest,
      layerBytes: parts.layer.bytes,
      config,
      engineId,
      reference,
      tags: wanted,
    };
  } finally {
    await spool.dispose();
  }
}

/** Packs into the spool. When the spool fails (a full disk) its error counts, and not what the packing makes of it. */
async function packInto(
  spool: LayerSpool,
  steady: SteadyTimes,
  paths: readonly string[],
  session: PackSession,
): Promise<void> {
  const spooled = pipeline(steady, spool);
  const packing = session.pack(paths, steady).then(
    (packed) => {
      if (!steady.writableEnded) steady.end();
      return packed;
    },
    (error: unknown) => {
      steady.destroy();
      throw error;
    },
  );
  try {
    const [packed] = await Promise.all([packing, spooled]);
    const lost = packed.missing + packed.damaged;
    if (lost === 0) return;
    throw new WinnowError(
      "fidelity.lost",
      `${lost} of ${paths.length} kept paths could not be taken from the image: ${packed.problems
        .slice(0, 3)
        .map(({ reason, path }) => `${reason} ${path}`)
        .join("; ")}`,
      "This is a fault of Winnow: report it with the job's log.",
    );
  } catch (error) {
    throw spool.errored instanceof WinnowError ? spool.errored : error;
  }
}

const createdSeconds = ({ created }: SourceImage): number =>
  Math.max(0, Math.floor(Date.parse(created ?? "") / 1000) || 0);

function refuseDigest(tag: string): void {
  if (parseReference(tag).digest === undefined) return;
  throw new WinnowError(
    "request.invalid",
    `The slim image cannot be named ${tag}: its digest is not yet known.`,
    "Name it by tag.",
  );
}

/** Loads the image and looks whether it is what we composed: both stores name an image by a digest that we know. */
async function load(deps: RebuildDeps, reference: string, parts: ImageParts): Promise<string> {
  try {
    await loadImage(deps, writeArchive(parts, [reference]));
    const loaded = await inspectImage(deps, reference).catch(async (error: unknown) => {
      if (!(error instanceof WinnowError) || error.code !== "image.not-found") throw error;
      // Another job has removed the same image between the engine's finding that it has it and its naming it for us.
      await loadImage(deps, writeArchive(parts, [reference]));
      return inspectImage(deps, reference);
    });
    const isOurs = loaded.id === parts.configDigest || loaded.id === parts.manifestDigest;
    if (isOurs && loaded.diffIds.length === 1 && loaded.diffIds[0] === parts.layer.digest) return loaded.id;
    throw new WinnowError(
      "fidelity.lost",
      `The engine loaded ${loaded.id} in place of ${parts.configDigest}.`,
      "This is a fault of Winnow or of the engine: report it with the engine's version.",
    );
  } catch (error) {
    // An aborted load may have come to its end all the same. What fails here is swept at the runner's next start.
    await removeImage(deps, reference).catch(() => false);
    throw error;
  }
}

/**
 * Gives the image the names that were asked for and takes the temporary one away. May be repeated. An abort comes before all
 * of them or too late: half of the names would be neither canceled nor done.
 */
export async function publish(slim: SlimImage, deps: RebuildDeps): Promise<void> {
  throwIfAborted(deps.signal);
  const unabortable = { ...deps, signal: new AbortController().signal };
  for (const tag of slim.tags) await tagImage(unabortable, slim.engineId, parseReference(tag));
  await removeImage(deps, slim.reference);
}

/** Takes the temporary name away, and the image with it unless it has another. An aborted job may call it. */
export async function discard(slim: Pick<SlimImage, "reference">, deps: Pick<RebuildDeps, "engine">): Promise<void> {
  await removeImage(deps, slim.reference);
}
