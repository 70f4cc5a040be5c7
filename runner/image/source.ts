import { createHash } from "node:crypto";
import { z } from "zod";
import type { EngineFacts } from "../docker/engine.ts";

/** Engines write "not set" as null, "", false, [] or {}; for the config of an image they all mean the same as nothing. */
function withoutUnset(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => !isUnset(field)));
}

function isUnset(value: unknown): boolean {
  if (value === null || value === undefined || value === "" || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

const Words = z.array(z.string()).optional();
const KeySet = z.record(z.string(), z.unknown()).optional();

/** Durations are nanoseconds, as engines store them. */
const Healthcheck = z.looseObject({
  Test: Words,
  Interval: z.number().optional(),
  Timeout: z.number().optional(),
  StartPeriod: z.number().optional(),
  StartInterval: z.number().optional(),
  Retries: z.number().optional(),
});

/** The run configuration of an image (OCI image-spec config.md and Docker's additions). Fields that we do not know stay too. */
export const ImageConfig = z.preprocess(
  withoutUnset,
  z.looseObject({
    User: z.string().optional(),
    ExposedPorts: KeySet,
    Env: Words,
    Entrypoint: Words,
    Cmd: Words,
    Volumes: KeySet,
    WorkingDir: z.string().optional(),
    Labels: z.record(z.string(), z.string()).optional(),
    StopSignal: z.string().optional(),
    /** Seconds. */
    StopTimeout: z.number().optional(),
    Healthcheck: Healthcheck.optional(),
    Shell: Words,
    OnBuild: Words,
    ArgsEscaped: z.boolean().optional(),
  }),
);
export type ImageConfig = z.infer<typeof ImageConfig>;

/** One step of the image's making. `created` is UTC milliseconds; `empty`: it added no bytes that the engine knows of. */
export type HistoryStep = { created: number; createdBy: string; size: number; comment: string; empty: boolean };

/** An image as we work with it: plain data, the same from either image store but for `id` and `configDigest`. */
export type SourceImage = {
  /** As the user asked for it. */
  reference: string;
  /** What this engine calls it: digest of the config, or of the manifest (containerd image store). */
  id: string;
  /** Null where the engine does not show it. */
  configDigest: string | null;
  diffIds: string[];
  chainId: string;
  os: string;
  architecture: string;
  variant?: string;
  /** RFC 3339, as the image has it. */
  created?: string;
  config: ImageConfig;
  /** The oldest step first. */
  history: HistoryStep[];
};

export const sha256 = (content: string | Buffer): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`;

/** OCI chain id (image-spec config.md, "Layer ChainID"). No layer at all gives the digest of nothing. */
export function chainIdOf(diffIds: readonly string[]): string {
  const [first, ...rest] = diffIds;
  return rest.reduce((chain, diffId) => sha256(`${chain} ${diffId}`), first ?? sha256(""));
}

const Inspected = z.looseObject({
  Id: z.string(),
  Os: z.string().default(""),
  Architecture: z.string().default(""),
  Variant: z.string().nullish(),
  Created: z.string().nullish(),
  Config: ImageConfig.nullish(),
  RootFS: z.looseObject({ Layers: z.array(z.string()).nullish() }).nullish(),
});

const History = z.array(
  z.looseObject({
    Created: z.number().default(0),
    CreatedBy: z.string().default(""),
    Size: z.number().default(0),
    Comment: z.string().default(""),
  }),
);

/** Reads what the engine answers to inspect and history, newest step first as it gives them. */
export function readSource(
  reference: string,
  inspected: unknown,
  history: unknown,
  facts: Pick<EngineFacts, "storage">,
): SourceImage {
  const image = Inspected.parse(inspected);
  const diffIds = image.RootFS?.Layers ?? [];
  const steps = History.parse(history).map(({ Created, CreatedBy, Size, Comment }) => ({
    // Engines say year 1 for "never".
    created: Math.max(Created, 0) * 1000,
    createdBy: CreatedBy,
    size: Size,
    comment: Comment,
    empty: Size === 0,
  }));
  return {
    reference,
    id: image.Id,
    configDigest: facts.storage === "containerd" ? null : image.Id,
    diffIds,
    chainId: chainIdOf(diffIds),
    os: image.Os,
    architecture: image.Architecture,
    ...(image.Variant ? { variant: image.Variant } : {}),
    ...(image.Created && !image.Created.startsWith("0001-") ? { created: image.Created } : {}),
    config: image.Config ?? {},
    history: steps.reverse(),
  };
}
