import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Header, pack } from "tar-stream";
import { canonicalJson } from "#contract/canonical-json.ts";
import { familiarReference, fullReference, parseReference, withDefaultTag } from "#contract/reference.ts";
import { type ImageConfig, type SourceImage, sha256 } from "./source.ts";

/** The label that says which rootfs a slim image was made from: the chain id of the source. */
export const sourceLabel = "dev.winnow.source";

/** What the engines record about a container in the config of an image, without any meaning for who runs the image. */
const containerOnly = new Set([
  "Hostname",
  "Domainname",
  "AttachStdin",
  "AttachStdout",
  "AttachStderr",
  "Tty",
  "OpenStdin",
  "StdinOnce",
  "Image",
  "NetworkDisabled",
  "MacAddress",
]);

/** The fields that make the image run as it does. */
export const runConfig = (config: ImageConfig): ImageConfig =>
  Object.fromEntries(Object.entries(config).filter(([field]) => !containerOnly.has(field)));

/**
 * The config of the slim image: the wanted one, field by field, and one label. Neither the job nor our version is in it: the
 * same source and the same keep set give the same digest on every runner and every day.
 * @param config the source's own, or as the job edits it
 */
export function slimConfig({ chainId, ...source }: SourceImage, config = source.config): ImageConfig {
  return { ...runConfig(config), Labels: { ...config.Labels, [sourceLabel]: chainId } };
}

/** A layer as an uncompressed tar; its digest is its diff id too. `open` may be called more than once. */
export type Layer = { digest: string; bytes: number; open(): Readable };

/** The parts of an image that can be named before anything is written. */
export type ImageParts = {
  config: Buffer;
  configDigest: string;
  manifest: Buffer;
  manifestDigest: string;
  layer: Layer;
};

const mediaTypes = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** Config and manifest of an image with one layer (OCI image-spec 1.1). Their bytes depend on the arguments only. */
export function composeImage(
  { created, architecture, variant, os }: Pick<SourceImage, "created" | "architecture" | "variant" | "os">,
  runConfig: ImageConfig,
  layer: Layer,
): ImageParts {
  const config = encode({
    created,
    architecture,
    variant,
    os,
    config: runConfig,
    rootfs: { type: "layers", diff_ids: [layer.digest] },
    history: [{ created, created_by: "winnow", comment: "one layer of what the application uses" }],
  });
  const configDigest = sha256(config);
  const manifest = encode({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: configDigest, size: config.length },
    layers: [{ mediaType: mediaTypes.layer, digest: layer.digest, size: layer.bytes }],
  });
  return { config, configDigest, manifest, manifestDigest: sha256(manifest), layer };
}

/** Canonical, since engines of different age give the same fields in different order. */
const encode = (value: unknown): Buffer => Buffer.from(canonicalJson(value));

const blobPath = (digest: string): string => `blobs/${digest.replace(":", "/")}`;

/**
 * Writes the image as one tar that is an OCI layout and a `docker save` archive at once, under these references: engines
 * before 25 load only the latter, the containerd image store takes its names from the annotations of the former. Ends the
 * stream that it gives; an error of the layer's stream becomes the archive's.
 */
export function writeArchive(
  { config, configDigest, manifest, manifestDigest, layer }: ImageParts,
  references: readonly string[],
): Readable {
  const names = references.map((text) => withDefaultTag(parseReference(text)));
  const descriptor = { mediaType: mediaTypes.manifest, digest: manifestDigest, size: manifest.length };
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: names.map((name) => ({
      ...descriptor,
      annotations: { "io.containerd.image.name": fullReference(name), "org.opencontainers.image.ref.name": name.tag },
    })),
  };
  const dockerManifest = [
    { Config: blobPath(configDigest), RepoTags: names.map(familiarReference), Layers: [blobPath(layer.digest)] },
  ];
  const archive = pack();
  const header = (name: string, size = 0): Partial<Header> & { name: string } => ({
    name,
    size,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: new Date(0),
  });
  const write = async (): Promise<void> => {
    for (const directory of ["blobs", "blobs/sha256"])
      archive.entry({ ...header(directory), mode: 0o755, type: "directory" });
    archive.entry(header("oci-layout"), encode({ imageLayoutVersion: "1.0.0" }));
    archive.entry(header("index.json"), encode(index));
    archive.entry(header("manifest.json"), encode(dockerManifest));
    archive.entry(header(blobPath(manifestDigest)), manifest);
    archive.entry(header(blobPath(configDigest)), config);
    await pipeline(layer.open(), archive.entry(header(blobPath(layer.digest), layer.bytes)));
    archive.finalize();
  };
  write().catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))));
  return Readable.from(archive, { objectMode: false });
}
