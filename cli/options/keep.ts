import { type Command, Option } from "commander";
import { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import { permsText, ruleName } from "#contract/keep.ts";
import { keptPaths } from "#runner/report/kept-paths.ts";
import { linesOf, type PathRule, toPathRule, toPermsRule } from "./path-rule.ts";

const Repeated = z.array(z.string()).default([]);

/** Flags that say what is kept besides what was observed (docs/flags.md). */
export const keepFlags = {
  keep: z.string().default("safe"),
  includePath: Repeated,
  includePathFile: Repeated,
  includeBin: Repeated,
  includeBinFile: Repeated,
  includeDirBins: Repeated,
  includeExe: Repeated,
  includeExeFile: Repeated,
  includeShell: z.boolean().default(false),
  includeWorkdir: z.boolean().default(false),
  includeAppImageAll: z.boolean().default(false),
  appImageStartInstructionGroup: z.string().optional(),
  appImageStartInstruction: z.string().optional(),
  includeLastImageLayers: z.string().optional(),
  includePathsCreportFile: Repeated,
  includeOslibsNet: z.boolean().optional(),
  includeZoneinfo: z.boolean().optional(),
  includeCertAll: z.boolean().optional(),
  includeCertBundlesOnly: z.boolean().default(false),
  includeCertDirs: z.boolean().default(false),
  includeHealthcheck: z.boolean().default(true),
  includeDistroInfo: z.boolean().default(true),
  includeSshClient: z.boolean().default(false),
  includePackage: Repeated,
  includeNodePackage: Repeated,
  preservePath: Repeated,
  preservePathFile: Repeated,
  pathPerms: Repeated,
  pathPermsFile: Repeated,
  excludePattern: Repeated,
  excludeMounts: z.boolean().default(true),
  excludeVarlockFiles: z.boolean().default(true),
};
export type KeepOptions = z.infer<z.ZodObject<typeof keepFlags>>;

const repeated = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

const several: [flags: string, about: string][] = [
  ["--include-path <glob[:octal#uid#gid]>", "keep this path, a directory with all below it"],
  ["--include-path-file <file>", "the same from the lines of a file"],
  ["--include-bin <path>", "keep this program or library, with the libraries that it needs"],
  ["--include-bin-file <file>", "the same from the lines of a file"],
  ["--include-dir-bins <directory>", "keep every ELF file below this directory, with libraries"],
  ["--include-exe <name>", "keep this program of the PATH with all that it takes to start; scripts, too"],
  ["--include-exe-file <file>", "the same from the lines of a file"],
  ["--include-package <[npm:|pip:|gem:|dpkg:|apk:|rpm:]name>", "keep this package whole"],
  ["--include-node-package <name>", "the same as --include-package npm:NAME"],
  [
    "--include-paths-creport-file <file>",
    "keep what an earlier job kept: its files.jsonl, or a docker-slim creport.json",
  ],
  ["--preserve-path <glob>", "the same as --include-path: files always come from the image, as it has them"],
  ["--preserve-path-file <file>", "the same from the lines of a file"],
  ["--path-perms <glob:octal#uid#gid>", "give kept entries this mode and owner"],
  ["--path-perms-file <file>", "the same from the lines of a file"],
  ["--exclude-pattern <glob>", "keep nothing that fits, whatever wants it"],
];

const switches: [flags: string, about: string][] = [
  ["--include-shell", "keep sh or bash, and ls, cat, ps, find, grep and the like, as far as the image has them"],
  ["--include-workdir", "keep the directory that the image starts in, whole"],
  ["--include-app-image-all", "keep all that the layers above the base image brought"],
  ["--include-ssh-client", "keep ssh with its configuration, without keys"],
  ["--include-oslibs-net", "keep name services and the resolver's files (default: as the profile does)"],
  ["--no-include-oslibs-net", "keep them only where they were used"],
  ["--include-zoneinfo", "keep all time zones (default: as the profile does)"],
  ["--no-include-zoneinfo", "keep them only where they were used"],
  ["--include-cert-all", "keep certificates of authorities, bundles and single ones (default: as the profile does)"],
  ["--no-include-cert-all", "keep them only where they were used"],
  ["--include-cert-bundles-only", "keep the bundles alone"],
  ["--include-cert-dirs", "keep the directories of certificates whole, without keys"],
  ["--no-include-healthcheck", "do not run HEALTHCHECK, and leave it out of the slim image"],
  ["--no-include-distro-info", "keep os-release and the like only where they were used"],
  ["--no-exclude-mounts", "keep what the image has where the job mounted something, if it was used there"],
  ["--no-exclude-varlock-files", "keep what was used in /run/lock"],
];

/** What holds without being said; docker-slim's users may say it. */
const always = [
  "--include-healthcheck",
  "--include-distro-info",
  "--exclude-mounts",
  "--exclude-varlock-files",
  "--keep-perms",
];

export function addKeepOptions(sub: Command): void {
  for (const [flags, about] of several) sub.option(flags, `${about}; repeatable`, repeated);
  for (const [flags, about] of switches) sub.option(flags, about);
  for (const flags of always) sub.addOption(new Option(flags).hideHelp());
  sub
    .option("--include-last-image-layers <n>", "keep all that the last layers brought")
    .option("--app-image-start-instruction-group <n>", "count so many builds before the last one to the application")
    .option("--app-image-start-instruction <text>", "the application begins with the history's step that starts so")
    .option(
      "--keep <profile>",
      "exact: what was used; safe: also what the application may need; package: also the packages of what was used",
      "safe",
    );
}

/** The files that these flags name, each with its flag. */
export const keepFiles = (options: KeepOptions): { option: string; file: string }[] =>
  (
    [
      ["--include-path-file", options.includePathFile],
      ["--include-bin-file", options.includeBinFile],
      ["--include-exe-file", options.includeExeFile],
      ["--preserve-path-file", options.preservePathFile],
      ["--path-perms-file", options.pathPermsFile],
      ["--include-paths-creport-file", options.includePathsCreportFile],
    ] as const
  ).flatMap(([option, files]) => files.map((file) => ({ option, file })));

type Reader = <T>(option: string, work: () => T) => T | undefined;
type Line = { text: string; from: string | undefined };

/** The `keep` of a request. `files` holds the texts of files by name; faults go through `read`, under the option's name. */
export function keepOf(options: KeepOptions, files: ReadonlyMap<string, string>, read: Reader): object {
  const linesIn = (names: readonly string[]): Line[] => names.flatMap((name) => linesOf(files.get(name) ?? "", name));
  const given = (texts: readonly string[]): Line[] => texts.map((text) => ({ text, from: undefined }));
  const readEach = <T>(option: string, lines: readonly Line[], each: (line: Line) => T): T[] =>
    lines.flatMap((line) => read(option, () => each(line)) ?? []);
  const asPath = ({ text, from }: Line): PathRule => toPathRule(text, from);
  const paths = [
    ...readEach("--include-path", given(options.includePath), asPath),
    ...readEach("--include-path-file", linesIn(options.includePathFile), asPath),
    ...readEach("--preserve-path", given(options.preservePath), asPath),
    ...readEach("--preserve-path-file", linesIn(options.preservePathFile), asPath),
  ];
  const perms = [
    ...readEach("--path-perms", given(options.pathPerms), ({ text }) => toPermsRule(text)),
    ...readEach("--path-perms-file", linesIn(options.pathPermsFile), ({ text, from }) => toPermsRule(text, from)),
  ];
  const bins = [
    ...given(options.includeBin),
    ...readEach("--include-bin-file", linesIn(options.includeBinFile), (line) => {
      toPathRule(line.text, line.from);
      return line;
    }),
  ];
  const exes = [...given(options.includeExe), ...linesIn(options.includeExeFile)];
  const allPerms = [...paths, ...perms].flatMap((rule) => (rule.perms ? [{ perms: rule.perms, from: rule.from }] : []));
  return {
    profile: options.keep,
    includePaths: paths.map(({ path }) => path),
    includeBins: bins.map(({ text }) => text),
    includeBinDirs: options.includeDirBins,
    includeExes: exes.map(({ text }) => text),
    includeShell: options.includeShell ? "minimal" : "none",
    includeWorkdir: options.includeWorkdir,
    includeLastLayers: numberOf(options.includeLastImageLayers),
    includeAppImage: appImageOf(options),
    includeReported: reportedBy(options, files, read),
    includePackages: [...options.includePackage, ...options.includeNodePackage.map((name) => `npm:${name}`)],
    includeSshClient: options.includeSshClient,
    includeNetwork: options.includeOslibsNet,
    includeZoneinfo: options.includeZoneinfo,
    includeCertificates: read("--include-cert-all", () => certificatesOf(options)),
    includeHealthcheck: options.includeHealthcheck,
    includeDistroInfo: options.includeDistroInfo,
    pathPerms: allPerms.map((rule) => rule.perms),
    excludePatterns: options.excludePattern,
    excludeMounts: options.excludeMounts,
    excludeLockFiles: options.excludeVarlockFiles,
    readFrom: places([
      ...paths.map(({ path, from }) => ({ rule: ruleName("include-path", path), from })),
      ...bins.map(({ text, from }) => ({ rule: ruleName("include-bin", text), from })),
      ...exes.map(({ text, from }) => ({ rule: ruleName("include-exe", text), from })),
      ...allPerms.map((one) => ({ rule: ruleName("path-perms", permsText(one.perms)), from: one.from })),
    ]),
  };
}

/** What earlier jobs kept, as the files say it. */
export const reportedBy = (
  options: KeepOptions,
  files: ReadonlyMap<string, string>,
  read: Reader = (_option, work) => work(),
) =>
  options.includePathsCreportFile.flatMap((name) => {
    const paths = read("--include-paths-creport-file", () => keptPaths(files.get(name) ?? "", name));
    return paths ? [{ name, paths }] : [];
  });

const places = (rules: readonly { rule: string; from: string | undefined }[]) =>
  Object.fromEntries(rules.flatMap(({ rule, from }) => (from === undefined ? [] : [[rule, from]])));

/** What is no number reaches the schema, which says so. */
const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text));

function appImageOf(options: KeepOptions): object | undefined {
  const { appImageStartInstructionGroup: group, appImageStartInstruction: startInstruction } = options;
  const isAsked = options.includeAppImageAll || group !== undefined || startInstruction !== undefined;
  return isAsked ? { startGroup: numberOf(group), startInstruction } : undefined;
}

function certificatesOf(options: KeepOptions): string | undefined {
  const asked = [
    ...(options.includeCertAll === undefined ? [] : [options.includeCertAll ? "all" : "none"]),
    ...(options.includeCertBundlesOnly ? ["bundles"] : []),
    ...(options.includeCertDirs ? ["directories"] : []),
  ];
  if (asked.length < 2) return asked[0];
  throw new WinnowError(
    "request.invalid",
    "the rules for certificates contradict each other.",
    "Give one of --include-cert-all, --no-include-cert-all, --include-cert-bundles-only and --include-cert-dirs.",
  );
}

/** Which option a part of the request comes from. */
export const keepOptionOf: [path: string, option: string][] = [
  ["keep.profile", "--keep"],
  ["keep.includePaths", "--include-path"],
  ["keep.includeBins", "--include-bin"],
  ["keep.includeBinDirs", "--include-dir-bins"],
  ["keep.includeExes", "--include-exe"],
  ["keep.includeLastLayers", "--include-last-image-layers"],
  ["keep.includeAppImage.startGroup", "--app-image-start-instruction-group"],
  ["keep.includeAppImage.startInstruction", "--app-image-start-instruction"],
  ["keep.includeReported", "--include-paths-creport-file"],
  ["keep.includePackages", "--include-package"],
  ["keep.pathPerms", "--path-perms"],
  ["keep.excludePatterns", "--exclude-pattern"],
];
