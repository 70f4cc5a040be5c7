import type { ExecProbe, HttpProbe, Limits, TcpProbe } from "#contract/job.ts";
import type { Answer } from "#contract/report.ts";
import { execAnswer, failedAnswer, httpAnswer, tcpAnswer } from "./answer.ts";
import { type Connect, type HttpOutcome, sendHttp } from "./http-probe.ts";
import type { Page } from "./page.ts";
import type { PlannedProbe } from "./plan-probes.ts";
import { type Greeting, greetingOfPort, greetingOfReply, isAnswerTo, sendTcp } from "./tcp-probe.ts";
import { pause, timeLimit } from "./time-limit.ts";

export type ExecResult = { exitCode: number; stdout: Buffer; stderr: Buffer };

type RunProbes = {
  planned: readonly PlannedProbe[];
  connect: Connect;
  /** Runs a command in the container. Its signal aborts when the command has taken too long or the job ends. */
  exec: (probe: ExecProbe, signal: AbortSignal) => Promise<ExecResult>;
  limits: Limits;
  signal: AbortSignal;
  /** The container's own names (host name, id, addresses), masked in bodies. */
  mask?: readonly string[];
  /** Gets every HTTP answer, as it came. */
  heard?: (page: Page) => void;
};

/** How long a port that refuses is tried again once another probe has got through: enough for a worker's restart. */
const laterRetryMs = 1000;

/** How long a port may answer 502, 503 or 504 before that is its answer, over all probes. */
const unavailableMs = 5000;

/** What is known of a port after the first request to it. */
type Known = { speaks: "http" | "https" | "other"; unavailableMs: number };

/**
 * Sends the planned probes one after the other, in order, and returns their answers in order. A failing application is an
 * answer with an `error`; rejects only with `signal.reason` on abort and with what the relay's or engine's own failure is.
 *
 * The first probe may wait `limits.startMs` for its port. A default probe of a port without HTTP becomes a TCP greeting; a
 * probe of every port skips such ports unless none speaks HTTP.
 */
export async function runProbes(input: RunProbes): Promise<Answer[]> {
  const { planned, connect, exec, limits, signal, mask = [], heard = () => {} } = input;
  const ports = new Map<number, Known>();
  let reached = false;

  const http = async (probe: HttpProbe, port: number, timeoutMs: number): Promise<HttpOutcome> => {
    const known = ports.get(port) ?? { speaks: "other", unavailableMs };
    const protocol = probe.protocol ?? (known.speaks === "https" ? "https" : undefined);
    const startedAt = performance.now();
    const outcome = await sendHttp({ ...probe, protocol }, port, connect, {
      timeoutMs,
      signal,
      retryMs: reached ? laterRetryMs : limits.startMs,
      unavailableMs: known.unavailableMs,
    });
    const waitedMs = performance.now() - startedAt - outcome.durationMs;
    const spoke = outcome.status !== null;
    reached ||= outcome.fault !== "refused";
    // One odd answer does not take HTTP from a port that has spoken it.
    const speaks = spoke ? outcome.protocol : known.speaks;
    ports.set(port, { speaks, unavailableMs: Math.max(0, known.unavailableMs - waitedMs) });
    if (spoke) heard({ probe, port, outcome });
    return outcome;
  };

  const greet = (greeting: Greeting | undefined, port: number, timeoutMs: number) =>
    sendTcp(greeting?.send, port, connect, { timeoutMs, signal, retryMs: reached ? laterRetryMs : limits.startMs });

  /** GET / on a port of unknown protocol, or the greeting that fits it. */
  const sendDefault = async (scenario: string, probe: HttpProbe, port: number, timeoutMs: number): Promise<Answer> => {
    const usual = greetingOfPort(port);
    if (usual) {
      const outcome = await greet(usual, port, Math.min(timeoutMs, 5000));
      reached ||= !outcome.refused;
      if (isAnswerTo(usual, outcome.body)) {
        ports.set(port, { speaks: "other", unavailableMs });
        return tcpAnswer(scenario, port, usual.send, outcome, mask);
      }
    }
    const outcome = await http(probe, port, timeoutMs);
    if (outcome.status === null && outcome.fault !== "refused") {
      const greeting = greetingOfReply(outcome.said);
      const greeted = await greet(greeting, port, timeoutMs);
      if (greeted.body.length > 0) return tcpAnswer(scenario, port, greeting?.send, greeted, mask);
    }
    return httpAnswer(scenario, probe, port, outcome, mask);
  };

  const sendTcpProbe = async (scenario: string, probe: TcpProbe, port: number, timeoutMs: number): Promise<Answer> => {
    const outcome = await sendTcp(probe.send, port, connect, {
      timeoutMs,
      signal,
      retryMs: reached ? laterRetryMs : limits.startMs,
    });
    reached ||= !outcome.refused;
    return { ...tcpAnswer(scenario, port, probe.send, outcome, mask), probe };
  };

  const checkHealth = async (scenario: string, probe: ExecProbe, timeoutMs: number): Promise<Answer> => {
    const { tries, everyMs, timeoutMs: ownMs } = probe.health ?? { tries: 1, everyMs: 0, timeoutMs };
    for (let tried = 1; ; tried += 1) {
      const answer = await runExec(scenario, probe, Math.min(timeoutMs, ownMs));
      // One that hangs is not tried again: it would take its whole time once more.
      if (answer.exitCode === probe.expectExit || answer.error !== null || tried === tries) return answer;
      await pause(everyMs, signal);
      signal.throwIfAborted();
    }
  };

  const runExec = async (scenario: string, probe: ExecProbe, timeoutMs: number): Promise<Answer> => {
    const startedAt = performance.now();
    const tooLong = new AbortController();
    const limit = timeLimit(timeoutMs, signal);
    try {
      const result = await limit.race(exec(probe, AbortSignal.any([signal, tooLong.signal])), () => undefined);
      const durationMs = performance.now() - startedAt;
      if (result) return execAnswer(scenario, probe, result, durationMs, mask);
      tooLong.abort(new Error(`the command did not end within ${timeoutMs} ms`));
      return failedAnswer(scenario, probe, null, `the command did not end within ${timeoutMs} ms`, durationMs);
    } finally {
      limit.clear();
    }
  };

  const send = async ({ scenario, probe, port, origin, timeoutMs }: PlannedProbe): Promise<Answer> => {
    if (probe.kind === "exec") return (probe.health ? checkHealth : runExec)(scenario, probe, timeoutMs);
    if (port === null) return failedAnswer(scenario, probe, null, "no port is listening", 0);
    if (probe.kind === "tcp") return sendTcpProbe(scenario, probe, port, timeoutMs);
    if (origin === "default") return sendDefault(scenario, probe, port, timeoutMs);
    return httpAnswer(scenario, probe, port, await http(probe, port, timeoutMs), mask);
  };

  const answers: { planned: PlannedProbe; answer: Answer }[] = [];
  for (const one of planned) {
    signal.throwIfAborted();
    if (one.origin === "every-port" && isKnownOther(ports, one.port) && someHttp(ports)) continue;
    answers.push({ planned: one, answer: await send(one) });
  }
  // A port can turn out to be without HTTP before another one turns out to have it: those answers say nothing either.
  return answers
    .filter(({ planned: one, answer }) => {
      return !(
        one.origin === "every-port" &&
        answer.status === null &&
        isKnownOther(ports, one.port) &&
        someHttp(ports)
      );
    })
    .map(({ answer }) => answer);
}

function isKnownOther(ports: ReadonlyMap<number, Known>, port: number | null): boolean {
  return port !== null && ports.get(port)?.speaks === "other";
}

function someHttp(ports: ReadonlyMap<number, Known>): boolean {
  return [...ports.values()].some(({ speaks }) => speaks !== "other");
}
