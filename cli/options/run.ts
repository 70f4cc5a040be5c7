import type { Command, Option } from "commander";
import { addExerciseOptions } from "../exercise-options.ts";
import { addKeepOptions } from "./keep.ts";

const repeated = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

/** Flags that say how the image is run and what is kept of it. */
export function addRunOptions(sub: Command): void {
  sub
    .usage("[options] <image> [-- COMMAND ARG...]\n       winnow <command> [options] -f JOBFILE [image]")
    .option("-f, --file <file>", "read the job from this YAML or JSON file (docs/job-file.md)")
    .option("--http-probe", "send GET / to every listening port (default)")
    .option("--no-http-probe", "do not")
    .option("--http-probe-cmd <[[PROTO:]METHOD:]RESOURCE>", "send this request too; repeatable", repeated)
    .option("--http-probe-cmd-file <file>", "send the requests of this JSON file");
  addExerciseOptions(sub);
  sub
    .option(
      "--exec <command>",
      "run this in the container; what needs a shell (| ; & > < $) runs in sh -c; repeatable",
      repeated,
    )
    .option("--continue-after <when>", "end of the observation: probe, exec, enter, signal, timeout, quiet or SECONDS")
    .option("--entrypoint <command>", "run with this entrypoint; shell words or a JSON array")
    .option(
      "--cmd <command>",
      "run with this command; shell words or a JSON array; several: one run for each",
      repeated,
    )
    .option("--user <user>", "run as this user")
    .option(
      "--lifecycle <probes>",
      "run once more for each: restart, reload, timezone, locale, read-only; repeatable",
      repeated,
    )
    .option("--repeat-observation <times>", "observe each scenario so often, 1 to 5 times, and keep what any run used")
    .option("--env <NAME=value>", "set in the environment; repeatable", repeated)
    .option("--workdir <path>", "run in this directory")
    .option("--mount <SOURCE:TARGET[:ro]>", "mount a volume or a directory of the engine's host; repeatable", repeated)
    .option("--network <name>", "connect to this network (default: none; probes need no network)")
    .option("--expose <port>", "expect the application on this port; repeatable", repeated)
    .option("--link <container:alias>", "link to another container; repeatable", repeated)
    .option("--hostname <name>", "the container's host name")
    .option("--etc-hosts-map <NAME:ADDRESS>", "add to /etc/hosts; repeatable", repeated)
    .option("--container-dns <address>", "use this name server; repeatable", repeated)
    .option("--container-dns-search <domain>", "search names in this domain; repeatable", repeated)
    .option("--show-clogs", "show what the container writes");
  addKeepOptions(sub);
}

/** The flags that stand on the command line itself, `--keep`. */
export const givenFlags = (sub: Command): string[] =>
  sub.options.filter((one) => isGiven(sub, one)).flatMap(({ long }) => long ?? []);

/** True for what stands on the command line itself; of `--x` and `--no-x` for the one that does. */
function isGiven(sub: Command, option: Option): boolean {
  const name = option.attributeName();
  if (sub.getOptionValueSource(name) !== "cli") return false;
  return option.negate === (sub.getOptionValue(name) === false);
}
