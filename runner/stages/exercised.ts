import { posix } from "node:path";
import type { Finish, Scenario } from "#contract/job.ts";
import type { Answer } from "#contract/report.ts";
import type { ScenarioRun } from "../observation.ts";

/** True when a probe was answered, or a command ran to its end: without one of the two nothing was proved. */
export function wasExercised(runs: readonly ScenarioRun[], scenarios: readonly Scenario[]): boolean {
  return runs.some((run) => run.answers.some(isExercise) || (run.ending.how === "ended" && didWork(run, scenarios)));
}

/**
 * True when the runs show a start at most, as those of a base image do: nothing was exercised, and nobody said that the time
 * which was observed is the exercise. A slim image of what a start needs would be a wreck.
 */
export function showsNothing(runs: readonly ScenarioRun[], scenarios: readonly Scenario[]): boolean {
  if (wasExercised(runs, scenarios)) return false;
  return !runs.some((run) => isStretch(scenarioOf(run, scenarios)?.finish) && !isPlaceholder(run));
}

/** Whoever asks for a stretch of time says that the application does its work in it. */
const isStretch = (finish: Finish | undefined): boolean =>
  finish !== undefined && finish.kind !== "probe-done" && finish.kind !== "command-exit";

/** A health check that fails shows no more than a start does; the main command's own answer is its ending. */
const isExercise = ({ target, error, probe, exitCode }: Answer): boolean =>
  target !== "command" && error === null && !(probe.kind === "exec" && probe.health && exitCode !== probe.expectExit);

/** A shell that found nothing to read on its standard input ended well, and did nothing. */
const didWork = (run: ScenarioRun, scenarios: readonly Scenario[]): boolean =>
  !isPlaceholder(run) || scenarioOf(run, scenarios)?.stdin !== undefined;

/** The scenario of a run; that of a lifecycle probe has its name before a dot. */
const scenarioOf = ({ scenario }: ScenarioRun, scenarios: readonly Scenario[]): Scenario | undefined =>
  scenarios.find(({ name }) => name === scenario.replace(/\..*$/s, ""));

/** What people start when they want to be inside of a container, by the name that it is called by. */
const prompts =
  /^(?:sh|[bd]?ash|zsh|ksh\d*|mksh|t?csh|fish|python[\d.]*|pypy[\d.]*|i?python3?|node|nodejs|bun|deno|irb|pry|php[\d.]*|perl[\d.]*|lua[\d.]*|luajit|tclsh[\d.]*|erl|iex|ghci|jshell|julia|R|guile|sbcl|swipl|racket|cat)$/;

/** Options with which these still wait for a person. */
const promptOption = /^-(?:i|l|il|li|a|q|u|-login|-interactive|-norc|-noprofile|-quiet|-no-save|-vanilla)$/;

/** Prompts that are scripts themselves: `ruby /usr/bin/irb`. */
const scriptedPrompt = /^(?:irb|pry|iex|erl|ipython3?)$/;

/** Programs that only start another one. */
const inits = /^(?:tini|tini-static|dumb-init|catatonit|docker-init|su-exec|gosu|env)$/;

/** True when the main process became a prompt without a person (`bash`, `python3`) or what only waits (`sleep infinity`). */
export function isPlaceholder(run: Pick<ScenarioRun, "sensor">): boolean {
  const [command = "", ...words] = mainCommand(run);
  const name = posix.basename(command).replace(/^-/, "");
  if (name === "sleep" || name === "pause") return true;
  if (name === "tail") return words.includes("/dev/null");
  if (prompts.test(name) && words.every((word) => promptOption.test(word))) return true;
  return words.length === 1 && scriptedPrompt.test(posix.basename(words[0] ?? ""));
}

/** What the main process ran last: behind entry scripts that gave their place to it, and behind an init's back. */
function mainCommand({ sensor: [main] }: Pick<ScenarioRun, "sensor">): readonly string[] {
  const processes = main?.processes ?? [];
  let pid = processes[0]?.pid;
  for (;;) {
    const last = processes.findLast((each) => each.pid === pid);
    const child = processes.find(({ ppid, pid: own }) => ppid === pid && own !== pid);
    if (!last || !child || !inits.test(posix.basename(last.argv[0] ?? ""))) return last?.argv ?? [];
    pid = child.pid;
  }
}
