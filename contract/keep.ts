import { z } from "zod";

export const KeepProfile = z.enum(["exact", "safe", "package"]);
export type KeepProfile = z.infer<typeof KeepProfile>;

const AbsolutePath = z.string().regex(/^\/[^\0]*$/, "write an absolute path");
const maxId = 2 ** 32 - 2;

/** Another owner or mode for what a glob over absolute paths matches; what is left out stays as the image has it. */
export const PathPerms = z.strictObject({
  path: AbsolutePath,
  /** Permission bits with set-id and sticky. */
  mode: z.int().min(0).max(0o7777).optional(),
  uid: z.int().min(0).max(maxId).optional(),
  gid: z.int().min(0).max(maxId).optional(),
});
export type PathPerms = z.infer<typeof PathPerms>;

/** A package by its name, of all package managers or of one: `psycopg2`, `npm:express`. */
const PackageName = z
  .string()
  .regex(
    /^(?:(?:npm|pip|gem|dpkg|apk|rpm):)?[^:\s\0][^\s\0]*$/,
    "write NAME, or npm:, pip:, gem:, dpkg:, apk: or rpm:NAME",
  );

/** Which layers are the application's. `startGroup`: how many builds before the last one count with it. */
export const AppImage = z.strictObject({
  startGroup: z.int().min(0).default(0),
  /** Begins at the first step of the history that starts with this text, e.g. `COPY . /srv`. */
  startInstruction: z.string().min(1).optional(),
});
export type AppImage = z.infer<typeof AppImage>;

/**
 * What the slim image holds besides what was observed. Where a rule can be off, left to the profile or on, left out means that
 * the profile decides.
 */
export const Keep = z
  .strictObject({
    profile: KeepProfile.default("safe"),
    /** Globs over absolute paths; a directory means all below it. */
    includePaths: z.array(z.string().startsWith("/")).default([]),
    /** Programs and libraries, with the libraries and the interpreter that they need. */
    includeBins: z.array(AbsolutePath).default([]),
    /** Directories of which every executable and every shared library is kept so. */
    includeBinDirs: z.array(AbsolutePath).default([]),
    /** Names on the image's PATH, or paths, of programs and scripts. */
    includeExes: z.array(z.string().min(1)).default([]),
    includeShell: z.enum(["none", "minimal"]).default("none"),
    includeWorkdir: z.boolean().default(false),
    /** All that the last so many layers brought. */
    includeLastLayers: z.int().min(0).max(1000).default(0),
    /** All that the layers of the application brought. */
    includeAppImage: AppImage.optional(),
    /** What earlier jobs kept: `name` of the list, and its paths. */
    includeReported: z.array(z.strictObject({ name: z.string(), paths: z.array(AbsolutePath) })).default([]),
    includePackages: z.array(PackageName).default([]),
    includeSshClient: z.boolean().default(false),
    /** Name services and the files of the resolver. */
    includeNetwork: z.boolean().optional(),
    includeZoneinfo: z.boolean().optional(),
    /** `bundles`: the authorities in one file; `directories`: the directories of certificates whole. */
    includeCertificates: z.enum(["none", "bundles", "directories", "all"]).optional(),
    /** Off: HEALTHCHECK is not run, and the slim image has none. */
    includeHealthcheck: z.boolean().default(true),
    includeDistroInfo: z.boolean().default(true),
    pathPerms: z.array(PathPerms).default([]),
    /** Globs over absolute paths that are not kept, whatever wants them. */
    excludePatterns: z.array(z.string().min(1)).default([]),
    /** What was used below a mount of the job is not the image's. */
    excludeMounts: z.boolean().default(true),
    /** What was used in /run/lock belongs to a run. */
    excludeLockFiles: z.boolean().default(true),
    /** Where a rule was read, by its name (`ruleName`): `--include-exe psql` to `keep.txt:3`. */
    readFrom: z.record(z.string(), z.string()).default({}),
  })
  .superRefine((keep, context) => {
    for (const { path, message } of contradictions(keep)) context.addIssue({ code: "custom", path, message });
  });
export type Keep = z.infer<typeof Keep>;

/** What a rule is called in reasons and warnings: as it stands on the command line. */
export const ruleName = (flag: string, value: string): string => `--${flag} ${value}`;

type Contradiction = { path: PropertyKey[]; message: string };
type Rules = Pick<
  Keep,
  "includePaths" | "includeBins" | "includeBinDirs" | "excludePatterns" | "pathPerms" | "readFrom"
>;

const plain = (path: string): string => path.replace(/(?<=.)\/+$/, "");

/** Rules of which one would undo the other. */
function contradictions(keep: Rules): Contradiction[] {
  const place = (rule: string) => (keep.readFrom[rule] === undefined ? "" : ` (${keep.readFrom[rule]})`);
  const included = new Map(
    (
      [
        ["include-path", keep.includePaths],
        ["include-bin", keep.includeBins],
        ["include-dir-bins", keep.includeBinDirs],
      ] as const
    ).flatMap(([flag, paths]) => paths.map((path) => [plain(path), ruleName(flag, path)] as const)),
  );
  const both = keep.excludePatterns.flatMap((pattern, index) => {
    const rule = included.get(plain(pattern));
    return rule === undefined
      ? []
      : [{ path: ["excludePatterns", index], message: `${rule}${place(rule)} asks to keep what this takes away` }];
  });
  const perms = keep.pathPerms.flatMap((one, index) => {
    const before = keep.pathPerms.slice(0, index).find(({ path }) => plain(path) === plain(one.path));
    if (!before || permsText(before) === permsText(one)) return [];
    const where = place(ruleName("path-perms", permsText(before)));
    const message = `${permsText(one)} contradicts ${permsText(before)}${where}`;
    return [{ path: ["pathPerms", index, "path"], message }];
  });
  return [...both, ...perms];
}

/** `/srv:755#1000#1000`, as `PathPerms` stands on the command line. */
export function permsText({ path, mode, uid, gid }: PathPerms): string {
  const owner = uid === undefined && gid === undefined ? "" : `#${uid ?? ""}#${gid ?? ""}`;
  return `${path}:${mode === undefined ? "" : mode.toString(8)}${owner}`;
}
