import { z } from "zod";
import { Env, lineOf, Scalar, type ShortForms } from "./job-file-forms.ts";
import { AppImage, Keep } from "./keep.ts";
import { Output } from "./output.ts";
import { readBy, strict, written } from "./written.ts";

const keys = Keep.shape;

const App = written<z.input<typeof AppImage> | undefined>(
  {
    flag: z.boolean().transform((isWanted) => (isWanted ? {} : undefined)),
    map: strict(AppImage.shape),
  },
  "true, or a map with startGroup or startInstruction",
);

/** The key of a job file's `keep` for each field of a request's that has another name there. */
export const keepKeys: Readonly<Record<string, string>> = {
  includePaths: "include",
  includeBins: "bins",
  includeBinDirs: "binDirectories",
  includeExes: "exes",
  pathPerms: "permissions",
  excludePatterns: "exclude",
};

/** `keep`: what the slim image holds besides what was observed. */
export const keepRules = (forms: ShortForms) =>
  strict({
    profile: keys.profile,
    include: keys.includePaths,
    exclude: keys.excludePatterns,
    bins: keys.includeBins,
    binDirectories: keys.includeBinDirs,
    exes: keys.includeExes,
    shell: keys.includeShell,
    workdir: keys.includeWorkdir,
    lastLayers: keys.includeLastLayers,
    appImage: App.optional(),
    packages: keys.includePackages,
    sshClient: keys.includeSshClient,
    network: keys.includeNetwork,
    zoneinfo: keys.includeZoneinfo,
    certificates: keys.includeCertificates,
    healthcheck: keys.includeHealthcheck,
    distroInfo: keys.includeDistroInfo,
    permissions: z.array(readBy(forms.pathPerms)).default([]),
    excludeMounts: keys.excludeMounts,
    excludeLockFiles: keys.excludeLockFiles,
  }).transform((rules) => ({
    profile: rules.profile,
    includePaths: rules.include,
    excludePatterns: rules.exclude,
    includeBins: rules.bins,
    includeBinDirs: rules.binDirectories,
    includeExes: rules.exes,
    includeShell: rules.shell,
    includeWorkdir: rules.workdir,
    includeLastLayers: rules.lastLayers,
    includeAppImage: rules.appImage,
    includePackages: rules.packages,
    includeSshClient: rules.sshClient,
    includeNetwork: rules.network,
    includeZoneinfo: rules.zoneinfo,
    includeCertificates: rules.certificates,
    includeHealthcheck: rules.healthcheck,
    includeDistroInfo: rules.distroInfo,
    pathPerms: rules.permissions,
    excludeMounts: rules.excludeMounts,
    excludeLockFiles: rules.excludeLockFiles,
  }));

const { expose, removeExpose, env: _env, labels: _labels, entrypoint: _entrypoint, cmd: _cmd, ...rest } = Output.shape;

/** `output`: how the slim image's config differs from the original's. */
export const outputEdits = (forms: ShortForms) =>
  strict({
    ...rest,
    entrypoint: lineOf(forms.argv).optional(),
    cmd: lineOf(forms.argv).optional(),
    env: Env.optional(),
    labels: Env.optional(),
    expose: z.array(Scalar.pipe(expose.unwrap().element)).default([]),
    removeExpose: z.array(Scalar.pipe(removeExpose.unwrap().element)).default([]),
  });
