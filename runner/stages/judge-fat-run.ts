import { WinnowError } from "#contract/error.ts";
import type { Probe, Scenario } from "#contract/job.ts";
import type { Answer, Warning } from "#contract/report.ts";
import type { ScenarioRun } from "../observation.ts";
import { finishOf } from "./await-finish.ts";

/** The end of a text, on one line each, for an error message. */
function tail(output: Buffer): string {
  const lines = output.toString("utf8").trimEnd().split("\n").slice(-3);
  const text = lines.map((line) => line.slice(0, 300)).join(" | ");
  return text === "" ? "It wrote nothing." : `It wrote last: ${text}`;
}

/** What the sensor said when it could not start the command (docs/sensor-protocol.md); undefined when the command did start. */
export function startFailure({ ending, output }: Pick<ScenarioRun, "ending" | "output">): string | undefined {
  if (ending.how !== "ended" || ending.code === null || ending.code < 125 || ending.code > 127) return undefined;
  const [line = ""] = output.toString("utf8").split("\n", 1);
  return /^sensor: (?:exec: )?(.*)$/.exec(line)?.[1]?.slice(0, 300);
}

/**
 * Whether a run of the original image can be the measure for the slim one. One in which nothing happened can, when nobody said
 * that something will: then nothing is taken away that a start does not show to be in use (`showsNothing`).
 * @param run what happened  @param scenario what was asked for  @param isService the image or the job declares a TCP port
 * @throws `app.exited`, `app.never-listened`, `probe.failed`: the image did not do what the scenario wants
 * @returns what did not go well but does not spoil the measure
 */
export function judgeFatRun(run: ScenarioRun, scenario: Scenario, isService = false): Warning[] {
  const probes = run.answers.filter((answer) => answer.target !== "command");
  const isSilent = run.ending.how !== "ended" && run.ports.length === 0 && probes.length === 0;
  if (run.ending.how === "ended") judgeEnding(run, scenario);
  const discovered = new Set<Probe>(run.discovered);
  return [
    ...(isSilent ? judgeSilence(run, scenario, isService) : []),
    // What an application answers to requests that nobody asked for is an open question, no warning.
    ...judgeProbes(
      probes.filter(({ probe }) => !discovered.has(probe)),
      new Set(scenario.probes),
    ),
  ];
}

function judgeEnding(run: ScenarioRun, scenario: Scenario): void {
  const { code } = run.ending;
  const refused = startFailure(run);
  if (refused !== undefined) {
    throw new WinnowError(
      "app.start-failed",
      `The command could not be started: ${refused}`,
      "Run the image with `docker run` and the same command: it must start there first.",
    );
  }
  const wanted = scenario.expectExit ?? 0;
  if (code !== wanted) {
    throw new WinnowError(
      "app.exited",
      `The application ended with exit code ${code}, expected ${wanted}. ${tail(run.output)}`,
      "Start the image by hand the same way; it may want an environment variable, a command, or a network (--env, --cmd, --network).",
    );
  }
  if (scenario.probes.some((probe) => probe.kind !== "exec") && run.ports.length === 0) {
    throw new WinnowError(
      "app.exited",
      `The application ended with exit code ${code} before anything listened, so no probe reached it. ${tail(run.output)}`,
      "Leave the HTTP probes out (--no-http-probe) for a command that only runs and ends; in a job file each scenario has its own.",
    );
  }
}

function judgeSilence(run: ScenarioRun, scenario: Scenario, isService: boolean): Warning[] {
  const finish = finishOf(scenario, false);
  if (scenario.finish !== undefined && finish.kind !== "probe-done" && finish.kind !== "command-exit") return [];
  const said = `Nothing listened on a TCP port, and the command did not end in ${Math.round(run.totalMs / 1000)} s.`;
  const advice = "Say how to exercise it: --exec COMMAND, --continue-after SECONDS, or a longer start time.";
  if (!isService && scenario.finish === undefined && scenario.probes.every((probe) => probe.kind === "exec"))
    return [{ code: "app.idle", text: `${said} ${advice}` }];
  throw new WinnowError("app.never-listened", `${said} ${tail(run.output)}`, advice);
}

/** @param asked probes of the scenario itself: the default one is a guess of ours, and may be wrong */
function judgeProbes(probes: readonly Answer[], asked: ReadonlySet<Probe>): Warning[] {
  const warnings: Warning[] = [];
  for (const answer of probes) {
    const { probe } = answer;
    if (probe.kind === "exec" && answer.exitCode !== probe.expectExit) {
      const said = `${answer.target} ended with exit code ${answer.exitCode}, expected ${probe.expectExit}.`;
      if (!probe.health) {
        throw new WinnowError(
          "probe.failed",
          `${said} ${tail(Buffer.from(answer.bodySample))}`,
          "Correct the command, or the image.",
        );
      }
      warnings.push({ code: "healthcheck.failed", text: said });
    }
    if (answer.status !== null && answer.status >= 400) {
      warnings.push({
        code: "probe.not-exercised",
        text: `${answer.target} answered ${answer.status}: what is behind it was not seen.`,
      });
    }
    if (answer.error !== null) warnings.push({ code: "probe.no-answer", text: `${answer.target}: ${answer.error}` });
  }
  const sent = probes.filter((answer) => answer.probe.kind !== "exec");
  if (sent.length === 0 || sent.some((answer) => answer.error === null)) return warnings;
  if (!sent.some(({ probe }) => asked.has(probe))) {
    const ports = sent.map(({ target }) => target).join(", ");
    const text = `No default probe was answered (${ports}): exercise it in its own language, with --exec or a tcp probe.`;
    return [...warnings, { code: "probe.unanswered", text: text.slice(0, 500) }];
  }
  throw new WinnowError(
    "probe.failed",
    `No probe was answered: ${sent
      .map((answer) => `${answer.target}: ${answer.error}`)
      .join("; ")
      .slice(0, 500)}`,
    "Check that the application speaks HTTP on the port that it listens on, or exercise it with --exec.",
  );
}
