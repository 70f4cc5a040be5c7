import { finished } from "node:stream/promises";
import { WinnowError } from "#contract/error.ts";
import type { ExecProbe, JobRequest, Scenario } from "#contract/job.ts";
import type { Answer } from "#contract/report.ts";
import {
  type Container,
  type ContainerSpec,
  createContainer,
  type Exit,
  execAttached,
  removeContainer,
  startAttached,
  stopContainer,
} from "../docker/container.ts";
import { putFiles } from "../docker/files.ts";
import { signalNumber } from "../image/stop-signal.ts";
import type { Ending, ScenarioRun } from "../observation.ts";
import { planProbes } from "../probes/plan-probes.ts";
import { awaitReady, type Listener } from "../probes/readiness.ts";
import { runProbes } from "../probes/run-probes.ts";
import { pause } from "../probes/time-limit.ts";
import { awaitFinish } from "./await-finish.ts";
import { collectOutput } from "./collect-output.ts";
import { commandAnswer } from "./command-answer.ts";
import { bare, commandOf, type SensorPlace, type Subject, sensorArguments, underSensor } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { freshPlace, sensorFiles } from "./open-files.ts";
import { connectTo, prepareSidecar, type Sidecar } from "./open-relay.ts";
import { readEvents } from "./read-events.ts";

/** `sensor`: observed. `bare`: nothing of ours in the container. */
export type Manner = "sensor" | "bare";

type Run = {
  name: string;
  subject: Subject;
  scenario: Scenario;
  request: JobRequest;
  manner: Manner;
  /** False: an earlier run showed that the stop signal changes nothing, so this one is killed. */
  heedsStop: boolean;
};

/** Runs an image once through one scenario: start, readiness, probes, finish, stop. Removes what it made, whatever happens. */
export async function runScenario(run: Run, deps: JobDeps): Promise<ScenarioRun> {
  const place = freshPlace();
  const target = await createContainer(deps, specOf(run, place));
  let sidecar: Sidecar | undefined;
  try {
    [sidecar] = await Promise.all([
      prepareSidecar(run.subject, target, deps),
      run.manner === "sensor" ? putFiles(target, sensorFiles(place, deps.sensor)) : undefined,
    ]);
    return await exercise(run, place, target, sidecar, deps);
  } finally {
    deps.later(removeContainer(target));
    if (sidecar) deps.later(sidecar.remove());
  }
}

function specOf({ subject, request, scenario, manner }: Run, place: SensorPlace): ContainerSpec {
  if (manner === "bare") return bare(subject, request, scenario);
  return underSensor(subject, request, scenario, place, signalNumber(subject.config.StopSignal));
}

async function exercise(
  run: Run,
  place: SensorPlace,
  target: Container,
  sidecar: Sidecar,
  deps: JobDeps,
): Promise<ScenarioRun> {
  const { scenario, subject, manner } = run;
  const startedAt = deps.now();
  const main = await startAttached(target, { stdin: scenario.stdin !== undefined, tty: false });
  if (scenario.stdin !== undefined) main.stdin.end(scenario.stdin);
  const output = collectOutput([main.stdout, main.stderr], (text) =>
    deps.progress({ kind: "container-log", run: run.name, text }),
  );

  const probed = await probeWhileRunning(run, place, target, sidecar, main.exited, deps);
  const ending = await end(run, target, main.exited);
  const events =
    manner === "sensor" ? await readEvents(target, place, probed.execs, deps) : { runs: [], raw: [], warnings: [] };
  const taken = output.taken();
  return {
    scenario: scenario.name,
    answers: [...probed.answers, commandAnswer(scenario.name, commandOf(subject.config, scenario).argv, ending, taken)],
    ports: [...new Set(probed.listeners.map((listener) => listener.port))],
    startMs: probed.startMs,
    totalMs: deps.now() - startedAt,
    ending,
    sensor: events.runs,
    rawEvents: events.raw,
    output: taken,
    warnings: events.warnings,
  };
}

type Probed = { answers: Answer[]; listeners: Listener[]; startMs: number | null; execs: number };

/** Everything that happens between the start of the application and the order to stop. */
async function probeWhileRunning(
  run: Run,
  place: SensorPlace,
  target: Container,
  sidecar: Sidecar,
  exited: Promise<Exit>,
  deps: JobDeps,
): Promise<Probed> {
  const { scenario, request, subject } = run;
  const relay = await sidecar.start().catch(async (error: unknown) => {
    // A command that is quicker than its sidecar needs none.
    if (await hasEnded(exited)) return undefined;
    throw error;
  });
  if (!relay) return { answers: [], listeners: [], startMs: null, execs: 0 };
  let execs = 0;
  try {
    const exposed = exposedPorts(subject, request);
    const ready = await awaitReady({
      listeners: () => relay.listeners(),
      exposed,
      startMs: waitForListener(scenario, request),
      exited,
      signal: deps.signal,
    });
    const listeners = ready.kind === "listening" ? ready.listeners : [];
    const answers =
      ready.kind === "exited"
        ? []
        : await runProbes({
            planned: planProbes(scenario, listeners, exposed, request.limits),
            connect: (port) => connectTo(relay, listeners, port),
            exec: (probe, signal) => execute(run, place, target, probe, `exec-${++execs}`, signal),
            limits: request.limits,
            signal: deps.signal,
            mask: [target.id, target.id.slice(0, 12)],
          });
    await awaitFinish({
      run: scenario,
      listening: ready.kind === "listening",
      target,
      place,
      exited,
      limits: request.limits,
      deps,
    });
    return { answers, listeners, startMs: ready.kind === "listening" ? ready.afterMs : null, execs };
  } finally {
    deps.later(relay.close());
  }
}

/** A scenario that says when it ends, or only executes commands, need not listen: it is not waited for long. */
function waitForListener(scenario: Scenario, { limits }: JobRequest): number {
  const wantsListener = scenario.defaultProbe || scenario.probes.some((probe) => probe.kind !== "exec");
  return wantsListener ? limits.startMs : Math.min(limits.startMs, 5_000);
}

/** TCP ports that the image declares or the request adds. */
function exposedPorts({ config }: Subject, { run }: JobRequest): number[] {
  const declared = [...Object.keys(config.ExposedPorts ?? {}), ...run.expose];
  return declared.filter((port) => !port.endsWith("/udp")).map((port) => Number.parseInt(port, 10));
}

async function hasEnded(exited: Promise<unknown>): Promise<boolean> {
  const later = new Promise<false>((resolve) => setTimeout(resolve, 250, false));
  return Promise.race([exited.then(() => true), later]);
}

/** How long the outputs of an ended command may stay open, ms. */
const lingerMs = 250;

/** One command in the running container, as the image's user: under a sensor of its own, or plainly. */
async function execute(
  { scenario, subject, manner }: Run,
  place: SensorPlace,
  target: Container,
  probe: ExecProbe,
  eventsName: string,
  signal: AbortSignal,
): Promise<{ exitCode: number; stdout: Buffer; stderr: Buffer }> {
  const command = commandOf(subject.config, scenario);
  const observed = manner === "sensor";
  const argv = observed
    ? [place.binary, ...sensorArguments(command, place, eventsName), "--", ...probe.argv]
    : probe.argv;
  const process = await execAttached(target, {
    argv,
    stdin: probe.stdin !== undefined,
    tty: false,
    ...(observed ? { user: "0:0" } : command.user === "" ? {} : { user: command.user }),
  });
  if (probe.stdin !== undefined) process.stdin.end(probe.stdin);
  const stdout = collectOutput([process.stdout], () => {});
  const stderr = collectOutput([process.stderr], () => {});
  const closed = Promise.allSettled([finished(process.stdout), finished(process.stderr)]);
  signal.addEventListener("abort", process.close, { once: true });
  try {
    const { code } = await process.exited;
    // A child that the command leaves behind may hold its outputs open for ever.
    await Promise.race([closed, pause(lingerMs, signal)]);
    return { exitCode: code, stdout: stdout.taken(), stderr: stderr.taken() };
  } finally {
    signal.removeEventListener("abort", process.close);
    process.close();
  }
}

/** Ends the main process as its image asks for, unless it has ended already. */
async function end({ subject, heedsStop }: Run, target: Container, exited: Promise<Exit>): Promise<Ending> {
  const already = await Promise.race([exited, Promise.resolve(undefined)]);
  if (already) return endingOf(already, "ended");
  const exit = await stopContainer(target, {
    signal: heedsStop ? String(signalNumber(subject.config.StopSignal)) : "SIGKILL",
    timeoutMs: (subject.config.StopTimeout ?? 10) * 1000,
  });
  return endingOf(exit, exit.killed ? "killed" : "stopped");
}

function endingOf(exit: Exit, how: Ending["how"]): Ending {
  // The sensor kills a main process that has no handler for the stop signal: what the engine does, without the wait.
  if (!exit.oomKilled) return { code: exit.code, how: how === "stopped" && exit.code === 137 ? "killed" : how };
  throw new WinnowError(
    "limit.exceeded",
    "The application used more memory than its limit and was killed.",
    "Raise the memory limit of the job, or give the application less to do.",
  );
}
