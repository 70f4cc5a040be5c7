import { type Command, Option } from "commander";
import { z } from "zod";
import { toArgv } from "../shell-words.ts";

const Repeated = z.array(z.string()).default([]);

/** Flags that say how the slim image's config differs from the original's (docs/flags.md). */
export const imageFlags = {
  imageOverrides: Repeated,
  newEntrypoint: z.string().optional(),
  newCmd: z.string().optional(),
  newWorkdir: z.string().optional(),
  newEnv: Repeated,
  newExpose: Repeated,
  newVolume: Repeated,
  newLabel: Repeated,
  removeEnv: Repeated,
  removeExpose: Repeated,
  removeVolume: Repeated,
  removeLabel: Repeated,
};
export type ImageOptions = z.infer<z.ZodObject<typeof imageFlags>>;

const repeated = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export function addImageOptions(sub: Command): void {
  sub
    .option("--tag <name>", "name of the slim image; repeatable (default: NAME.slim)", repeated)
    .option(
      "--image-overrides <fields>",
      "keep these flags of the run in the slim image: entrypoint, cmd, workdir, env, expose, volume, user, all",
      repeated,
    )
    .option("--new-entrypoint <command>", "its ENTRYPOINT; drops CMD unless --new-cmd is given; [] for none")
    .option("--new-cmd <command>", "its CMD; shell words or a JSON array; [] for none")
    .option("--new-workdir <path>", "its WORKDIR");
  for (const [name, what] of [
    ["env", "NAME=value"],
    ["expose", "port"],
    ["volume", "path"],
    ["label", "NAME=value"],
  ] as const) {
    sub.option(`--new-${name} <${what}>`, `add to its ${name.toUpperCase()}; repeatable`, repeated);
    sub.option(`--remove-${name} <${what.replace("=value", "")}>`, "take it away; repeatable", repeated);
  }
  sub
    .addOption(new Option("--image-build-engine <engine>", "how it is built").choices(["internal"]).hideHelp())
    .option("--show-blogs", "show the details of the rebuild");
}

type Reader = <T>(option: string, work: () => T) => T | undefined;

/** The `output` of a request; faults go through `read`, under the option's name. */
export const outputOf = (options: ImageOptions, read: Reader): object => ({
  keepOverrides: options.imageOverrides.flatMap((fields) => fields.split(",")),
  entrypoint: read("--new-entrypoint", () => argvOf(options.newEntrypoint)),
  cmd: read("--new-cmd", () => argvOf(options.newCmd)),
  workdir: options.newWorkdir,
  env: options.newEnv,
  expose: options.newExpose,
  volumes: options.newVolume,
  labels: options.newLabel,
  removeEnv: options.removeEnv,
  removeExpose: options.removeExpose,
  removeVolumes: options.removeVolume,
  removeLabels: options.removeLabel,
});

const argvOf = (text: string | undefined): string[] | undefined => (text === undefined ? undefined : toArgv(text));

/** Which option a part of the request comes from. */
export const imageOptionOf: [path: string, option: string][] = [
  ["output.keepOverrides", "--image-overrides"],
  ["output.entrypoint", "--new-entrypoint"],
  ["output.cmd", "--new-cmd"],
  ["output.workdir", "--new-workdir"],
  ["output.env", "--new-env"],
  ["output.expose", "--new-expose"],
  ["output.volumes", "--new-volume"],
  ["output.labels", "--new-label"],
  ["output.removeEnv", "--remove-env"],
  ["output.removeExpose", "--remove-expose"],
  ["output.removeVolumes", "--remove-volume"],
  ["output.removeLabels", "--remove-label"],
];
