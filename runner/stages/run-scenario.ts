import { WinnowError } from "#contract/error.ts";
import type { Finish, JobRequest, Scenario } from "#contract/job.ts";
import { type Container, type Exit, inspectContainer, startAttached, stopContainer } from "../docker/container.ts";
import { fileSize } from "../docker/files.ts";
import { signalNumber } from "../image/stop-signal.ts";
import type { Ending, ScenarioRun } from "../observation.ts";
import { awaitReady, type Listener } from "../probes/readiness.ts";
import { isDoneWithin, pause } from "../probes/time-limit.ts";
import type { Relay } from "../sensor/relay-client.ts";
import { awaitFinish } from "./await-finish.ts";
import { boundRun, type RunBounds } from "./bound-run.ts";
import { collectOutput } from "./collect-output.ts";
import { commandAnswer } from "./command-answer.ts";
import { commandOf, type SensorPlace, type Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { startFailure } from "./judge-fat-run.ts";
import type { Condition } from "./lifecycle.ts";
import type { Sidecar } from "./open-relay.ts";
import { readEvents } from "./read-events.ts";
import { reload } from "./reload.ts";
import { type Sent, sendProbes } from "./send-probes.ts";
import { watchDisk } from "./watch-disk.ts";
import { watchGrowth } from "./watch-growth.ts";

/** `sensor`: observed. `bare`: nothing of ours in the container. */
export type Manner = "sensor" | "bare";

export type Run = {
  name: string;
  subject: Subject;
  scenario: Scenario;
  request: JobRequest;
  manner: Manner;
  /** The lifecycle probe that this run is. */
  condition?: Condition;
  /** The ports that the application listened on in an earlier run; undefined: there was none. */
  expected: readonly number[] | undefined;
  /**
   * Whether an earlier run ended at the stop signal; undefined: there was none. One that did not is killed at once, and one that
   * did has patience to expect: how long a stop takes depends on the moment, and what a process does at its end is part of the observation.
   */
  heedsStop: boolean | undefined;
};

/** One start of a created container: readiness, probes, finish, stop. */
export async function exercise(
  run: Run,
  place: SensorPlace,
  created: Container,
  sidecar: Sidecar,
  deps: JobDeps,
): Promise<ScenarioRun> {
  const { scenario, subject, manner, request } = run;
  const bounds = boundRun(scenario.name, request.limits.scenarioMs, deps.signal);
  const target = { ...created, signal: bounds.signal };
  try {
    const startedAt = deps.now();
    const main = await startAttached(target, { stdin: scenario.stdin !== undefined, tty: false });
    if (scenario.stdin !== undefined) main.stdin.end(scenario.stdin);
    const output = collectOutput([main.stdout, main.stderr], (text) =>
      deps.progress({ kind: "container-log", run: run.name, text }),
    );
    const { probed, ending } = await withRelay(sidecar, main.exited, bounds, deps, async (relay) => {
      const unwatch = relay ? watchDiskOf(relay, request, bounds) : () => {};
      try {
        return {
          probed: relay ? await probeWhileRunning(run, place, target, relay, main.exited, bounds, deps) : unprobed,
          ending: await end(run, target, main.exited, bounds),
        };
      } finally {
        unwatch();
      }
    });
    await output.ended(lateWordsMs);
    const taken = output.taken();
    // A sensor that gave up before it started the command has no record to end.
    const isRecorded = manner === "sensor" && !(ending.code === 125 && startFailure({ ending, output: taken }));
    const events = isRecorded
      ? await readEvents(target, place, probed.execs, deps)
      : { runs: [], raw: [], warnings: [] };
    const { argv } = commandOf(subject.config, scenario);
    return {
      scenario: scenario.name,
      answers: [...probed.answers, commandAnswer(scenario.name, argv, ending, taken)],
      discovered: probed.discovered,
      ports: [...new Set(probed.listeners.map((listener) => listener.port))],
      boundPorts: [...new Set(probed.listeners.map(({ port, boundPort = port }) => boundPort))],
      startMs: probed.startMs,
      totalMs: deps.now() - startedAt,
      ending,
      sensor: events.runs,
      rawEvents: events.raw,
      growth: probed.growth,
      output: taken,
      warnings: [...events.warnings, ...probed.warnings],
    };
  } finally {
    bounds.done();
  }
}

/** Joins the application's network for as long as `use` takes. There is no relay for a command that was quicker than its sidecar. */
async function withRelay<T>(
  sidecar: Sidecar,
  exited: Promise<Exit>,
  bounds: RunBounds,
  deps: JobDeps,
  use: (relay: Relay | undefined) => Promise<T>,
): Promise<T> {
  const relay = await bounds.race(sidecar.start()).catch(async (error: unknown) => {
    if (await isDoneWithin(exited, endNewsMs)) return undefined;
    throw error;
  });
  try {
    return await use(relay);
  } finally {
    if (relay) deps.later(relay.close());
  }
}

/** Ends the run when the disk gets full. Returns what ends the watch: writes at shutdown count as well. */
function watchDiskOf(relay: Relay, { limits }: JobRequest, bounds: RunBounds): () => void {
  const over = new AbortController();
  const free = () => relay.freeBytes();
  watchDisk({ free, limitBytes: limits.diskBytes, signal: over.signal }).catch((error: unknown) => {
    if (!over.signal.aborted) bounds.exceed(error);
  });
  return () => over.abort();
}

type Probed = Sent & Pick<ScenarioRun, "growth"> & { listeners: Listener[]; startMs: number | null };

const unsent: Sent = { answers: [], discovered: [], warnings: [], execs: 0 };
const unprobed: Probed = { ...unsent, growth: [], listeners: [], startMs: null };

/** Finishes that come by themselves, whatever the application does. */
const ownEnds = new Set<Finish["kind"] | undefined>(["seconds", "timeout", "quiet", "signal"]);

/** Everything that happens between the start of the application and the order to stop. */
async function probeWhileRunning(
  run: Run,
  place: SensorPlace,
  target: Container,
  relay: Relay,
  exited: Promise<Exit>,
  bounds: RunBounds,
  deps: JobDeps,
): Promise<Probed> {
  const { scenario, request, subject } = run;
  const { signal } = bounds;
  const exposed = exposedPorts(subject, request);
  // Whoever asked for a stretch of time gets it, also when nothing listens in it.
  const hasOwnEnd = ownEnds.has(scenario.finish?.kind);
  const waitMs = waitForListener(scenario, request);
  if (hasOwnEnd) bounds.forgetTime();
  const ready = await awaitReady({
    listeners: () => relay.listeners(),
    exposed,
    expected: run.expected,
    startMs: hasOwnEnd ? Math.min(waitMs, bounds.remainingMs()) : waitMs,
    exited,
    signal,
  });
  if (hasOwnEnd) {
    const { probeMs } = request.limits;
    bounds.restart(bounds.remainingMs() + probeMs, `The probes of the scenario "${scenario.name}" took too long.`);
  }
  const listeners = ready.kind === "listening" ? ready.listeners : [];
  // Only the original's run is asked whether it had seen all.
  const isMeasure = run.name === "fat" && run.manner === "sensor";
  const size = () => fileSize(target, `${place.directory}/events`);
  const watch = isMeasure ? watchGrowth({ size, now: deps.now }) : undefined;
  try {
    const sending = { run, place, target, relay, listeners, exposed, bounds };
    if (run.condition === "reload" && ready.kind !== "exited") await reload(target, place, exited, deps);
    const sent = ready.kind === "exited" ? unsent : await sendProbes(sending);
    // A command that was asked to end must; any other observation may end because its time is over.
    const mustEnd = scenario.finish?.kind === "command-exit";
    if (!mustEnd) bounds.forgetTime();
    await awaitFinish({
      run: scenario,
      listening: ready.kind === "listening",
      target,
      place,
      exited,
      withinMs: mustEnd ? undefined : bounds.remainingMs(),
      deps: { ...deps, signal },
    });
    const growth = (await watch?.stop()) ?? [];
    return { ...sent, growth, listeners, startMs: ready.kind === "listening" ? ready.afterMs : null };
  } finally {
    await watch?.stop();
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

/** How long after the end of a container a busy engine may take to tell of it, ms. */
const endNewsMs = 5_000;

/** How long the last words of a container that has ended may be on their way, ms. */
const lateWordsMs = 5_000;

/** The image says how long its stop may take; it may not say for ever, ms. */
const longestStopMs = 60_000;

/** How many times the image's own timeout a stop may take that is known to come to an end. */
const patienceFactor = 3;

/** How long a killed container may take to end, ms. The engine itself gives up after ten seconds, with less to say. */
const killedMs = 5_000;

/** Ends the main process as its image asks for, unless it has ended already. */
async function end(
  { subject, heedsStop }: Run,
  target: Container,
  exited: Promise<Exit>,
  bounds: RunBounds,
): Promise<Ending> {
  const already = await Promise.race([exited, Promise.resolve(undefined)]);
  if (already) return endingOf(await withLateNews(already, target), "ended");
  const patience = heedsStop === true ? patienceFactor : 1;
  const timeoutMs = Math.min((subject.config.StopTimeout ?? 10) * 1000 * patience, longestStopMs);
  bounds.restart(timeoutMs + killedMs, "The application did not end although it was killed.");
  const signal = heedsStop === false ? "SIGKILL" : String(signalNumber(subject.config.StopSignal));
  const exit = await bounds.race(stopContainer(target, { signal, timeoutMs }));
  return endingOf(exit, exit.killed ? "killed" : "stopped");
}

/** How long after the end of a container its engine may learn that memory was short, ms. */
const lateNewsMs = 1_000;

/** A process that was killed, and not by us: the engine hears of a lack of memory by an event that may come after the end. */
async function withLateNews(exit: Exit, target: Container): Promise<Exit> {
  const until = performance.now() + lateNewsMs;
  let { oomKilled } = exit;
  while (exit.code === 137 && !oomKilled && performance.now() < until) {
    await pause(100, target.signal);
    oomKilled = (await inspectContainer(target)).State.OOMKilled;
  }
  return { ...exit, oomKilled };
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
