import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { JobRequest, type Scenario } from "#contract/job.ts";
import { createContainer, inspectContainer, removeContainer, startAttached } from "#runner/docker/container.ts";
import { putFiles } from "#runner/docker/files.ts";
import type { SourceImage } from "#runner/image/source.ts";
import { signalNumber } from "#runner/image/stop-signal.ts";
import { openRelay, type Relay } from "#runner/sensor/relay-client.ts";
import { bare, relaySidecar, underSensor } from "#runner/stages/instrument.ts";
import type { JobDeps } from "#runner/stages/job-deps.ts";
import { freshPlace, sensorFiles } from "#runner/stages/open-files.ts";
import { connectTo } from "#runner/stages/open-relay.ts";
import type { Manner } from "#runner/stages/run-scenario.ts";
import { buildSample, buildSettings, sampleNamed } from "../images/build.ts";
import { type Bench, type Group, withStages } from "./bench.ts";
import { type Goal, median, spread, table, verdictOf } from "./table.ts";

const maxStart = 1.5;
const maxServing = 1.05;
/** Applications whose start is mostly the loading of files, each in its own way, and one that is almost nothing else than the server. */
const defaultSamples = ["node-express", "python-flask", "ruby-sinatra", "java", "nginx"];
const connections = 4;
const startLimitMs = 120_000;
/** A server that waits for acknowledgements with every answer (Java's own does) would take minutes for its requests. */
const serveLimitMs = 10_000;

type Measured = {
  /** From the engine's word that the container runs to the first HTTP answer, ms. */
  startMs: number;
  /** The same from the order to start it: with what the engine takes, which is the same in both manners. */
  orderedMs: number;
  requestsPerSecond: number;
  /** Of the container, sensor included: processor time for one request, ms. */
  cpuMs: number;
};

type Row = { name: string; pairs: { bare: Measured; sensor: Measured }[]; goals: Goal[] };

/** The same application bare and under the sensor, in turns: how much longer it takes to start and to answer. */
export const slowdown: Group = async (bench) => {
  const named = bench.samples.filter((name) => sampleNamed(name).port !== null);
  const rows: Row[] = [];
  const failures: string[] = [];
  for (const name of bench.samples.length > 0 ? named : defaultSamples) {
    bench.say(`slowdown: ${name}`);
    try {
      rows.push(await measurePairs(name, bench));
    } catch (error) {
      bench.signal.throwIfAborted();
      failures.push(`${name}: FAILED: ${String(error)}`);
    }
  }
  const ratios = ({ pairs }: Row, of: (bare: Measured, sensor: Measured) => number) =>
    spread(
      pairs.map(({ bare, sensor }) => of(bare, sensor)),
      2,
    );
  const medianOf = ({ pairs }: Row, manner: Manner, of: (one: Measured) => number) =>
    median(pairs.map((pair) => of(pair[manner])));
  return {
    title: `Slow-down under the sensor: median (min-max) of ${bench.pairs} pairs`,
    text: [
      table(
        ["image", "start ms", "start x", "with engine x", "requests/s", "serving x", "CPU x", "goals"],
        rows.map((row) => [
          row.name,
          medianOf(row, "bare", ({ startMs }) => startMs).toFixed(0),
          ratios(row, (bare, sensor) => sensor.startMs / bare.startMs),
          ratios(row, (bare, sensor) => sensor.orderedMs / bare.orderedMs),
          medianOf(row, "bare", ({ requestsPerSecond }) => requestsPerSecond).toFixed(0),
          ratios(row, (bare, sensor) => bare.requestsPerSecond / sensor.requestsPerSecond),
          ratios(row, (bare, sensor) => sensor.cpuMs / bare.cpuMs),
          verdictOf(row.goals),
        ]),
      ),
      ...failures,
    ].join("\n"),
    notes: [
      `start: from the running container to the first answer to GET /. Goal <= ${maxStart}x. The plain columns are of the bare runs.`,
      `serving: ${bench.requests} GET / (at most ${serveLimitMs / 1000} s) over ${connections} kept connections through the same relay in both manners, after 200 to warm up. Goal <= ${maxServing}x.`,
      "The relay and this process share the cores with the application and can hide a part of a slow-down of requests/s; CPU is the container's own time for a request, sensor included, and hides nothing.",
    ],
    data: { rows, failures },
    unmeasured: failures.length,
  };
};

function measurePairs(name: string, bench: Bench): Promise<Row> {
  const sample = sampleNamed(name);
  const [scenario] = sample.scenarios;
  const { port } = sample;
  if (!scenario || port === null) throw new Error("it has no server");
  return buildSample(name, bench.docker, buildSettings(process.env)).then((image) =>
    withStages(image, bench, async (source, deps) => {
      const one = (manner: Manner) => measure({ manner, source, scenario, port, requests: bench.requests }, deps);
      const pairs: Row["pairs"] = [];
      await one("bare"); // brings the image's files into memory, for both
      for (let pair = 0; pair < bench.pairs; pair += 1) {
        // In turns, and each first as often as the other: whatever grows over time is shared fairly.
        const first = pair % 2 === 0 ? "bare" : "sensor";
        const results = { [first]: await one(first) };
        const { bare = await one("bare"), sensor = await one("sensor") } = results;
        pairs.push({ bare, sensor });
      }
      const start = median(pairs.map(({ bare, sensor }) => sensor.startMs / bare.startMs));
      const serving = median(pairs.map(({ bare, sensor }) => bare.requestsPerSecond / sensor.requestsPerSecond));
      return {
        name,
        pairs,
        goals: [
          { name: "start", isMet: start <= maxStart },
          { name: "serving", isMet: serving <= maxServing },
        ],
      };
    }),
  );
}

type Run = { manner: Manner; source: SourceImage; scenario: Scenario; port: number; requests: number };

/**
 * One run. The relay is there first and the application joins its network: a sidecar that joined the application's, as in
 * a job, would come too late to see a quick start.
 */
async function measure({ manner, source, scenario, port, requests }: Run, deps: JobDeps): Promise<Measured> {
  const subject = { image: source.id, config: source.config };
  const relayPlace = freshPlace();
  const spec = relaySidecar(subject, relayPlace, "");
  const holder = await createContainer(deps, { ...spec, HostConfig: { ...spec.HostConfig, NetworkMode: "none" } });
  try {
    await putFiles(holder, sensorFiles(relayPlace, deps.sensor));
    const attached = await startAttached(holder, { stdin: true, tty: false });
    attached.stderr.resume();
    const relay = openRelay(attached);
    const request = JobRequest.parse({ image: source.id, run: { network: `container:${holder.id}` } });
    const place = freshPlace();
    const target = await createContainer(
      deps,
      manner === "bare"
        ? bare(subject, request, scenario)
        : underSensor(subject, request, scenario, place, signalNumber(source.config.StopSignal)),
    );
    try {
      if (manner === "sensor") await putFiles(target, sensorFiles(place, deps.sensor));
      const orderedAt = Date.now();
      const answered = firstAnswer(relay, port, deps.signal);
      const [main, answeredAt] = await Promise.all([
        startAttached(target, { stdin: false, tty: false }).then((main) => {
          main.stdout.resume();
          main.stderr.resume();
          return main;
        }),
        answered,
      ]);
      main.exited.catch(() => {});
      const { State } = await inspectContainer(target);
      const load = (count: number) => serve(relay, port, count);
      await load(200);
      const cpuBefore = await cpuMsOf(target.id, deps);
      const { answered: count, tookMs } = await load(requests);
      const cpuMs = (await cpuMsOf(target.id, deps)) - cpuBefore;
      return {
        startMs: answeredAt - Date.parse(State.StartedAt),
        orderedMs: answeredAt - orderedAt,
        requestsPerSecond: (count / tookMs) * 1000,
        cpuMs: cpuMs / count,
      };
    } finally {
      await removeContainer(target);
      await relay.close().catch(() => undefined);
    }
  } finally {
    await removeContainer(holder);
  }
}

/** When the application first answered `GET /` with anything that is HTTP, ms since the epoch. */
async function firstAnswer(relay: Relay, port: number, signal: AbortSignal): Promise<number> {
  const deadline = Date.now() + startLimitMs;
  while (Date.now() < deadline) {
    signal.throwIfAborted();
    const answer = await get(relay, port, undefined).catch(() => undefined);
    if (answer !== undefined) return Date.now();
    await sleep(5);
  }
  throw new Error(`no answer within ${startLimitMs / 1000} s`);
}

/** Sends `count` requests, or as many as fit into the limit, over a few kept connections. Rejects when one is not answered. */
async function serve(relay: Relay, port: number, count: number): Promise<{ answered: number; tookMs: number }> {
  const agent = relayAgent(relay, port);
  const startedAt = performance.now();
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < count && performance.now() - startedAt < serveLimitMs) {
      sent += 1;
      await get(relay, port, agent);
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, worker));
    return { answered: sent, tookMs: performance.now() - startedAt };
  } finally {
    agent.destroy();
  }
}

/** Status of `GET /`, once its body has come whole. */
async function get(relay: Relay, port: number, agent: Agent | undefined): Promise<number | undefined> {
  const single = agent ? undefined : relayAgent(relay, port);
  const asked = httpRequest({ agent: agent ?? single, path: "/", headers: { host: `localhost:${port}` } });
  asked.end();
  try {
    const [answer] = await once(asked, "response");
    answer.resume();
    await once(answer, "end");
    return answer.statusCode;
  } finally {
    single?.destroy();
  }
}

function relayAgent(relay: Relay, port: number): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const everywhere = ["0.0.0.0", "::"].map((address) => ({ family: "tcp" as const, address, port, uid: 0 }));
  agent.createConnection = (_options, callback) => {
    connectTo(relay, everywhere, port).then(
      (stream) => callback?.(null, stream),
      (error: Error) => callback?.(error, undefined as never), // as net does: the stream is not looked at
    );
    return undefined;
  };
  return agent;
}

/** Processor time of a container so far, ms. */
async function cpuMsOf(id: string, { engine }: JobDeps): Promise<number> {
  const { cpu_stats } = await engine.docker.getContainer(id).stats({ stream: false, "one-shot": true });
  return cpu_stats.cpu_usage.total_usage / 1e6;
}
