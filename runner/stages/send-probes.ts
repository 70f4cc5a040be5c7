import type { Container } from "../docker/container.ts";
import type { ScenarioRun } from "../observation.ts";
import { explore } from "../probes/explore.ts";
import { holdPages } from "../probes/page.ts";
import { planProbes } from "../probes/plan-probes.ts";
import type { Listener } from "../probes/readiness.ts";
import { runProbes } from "../probes/run-probes.ts";
import type { Relay } from "../sensor/relay-client.ts";
import type { RunBounds } from "./bound-run.ts";
import { executeProbe } from "./execute-probe.ts";
import { containerHostname, type SensorPlace } from "./instrument.ts";
import { connectTo } from "./open-relay.ts";
import type { Run } from "./run-scenario.ts";

type Sending = {
  run: Run;
  place: SensorPlace;
  target: Container;
  relay: Relay;
  listeners: Listener[];
  exposed: readonly number[];
  bounds: RunBounds;
};

/** What was sent and answered; `execs` counts the commands that had a sensor of their own. */
export type Sent = Pick<ScenarioRun, "answers" | "discovered" | "warnings"> & { execs: number };

/** Sends the scenario's probes, then what their answers lead to when the scenario asks for that. */
export async function sendProbes(sending: Sending): Promise<Sent> {
  const { run, place, target, relay, listeners, exposed, bounds } = sending;
  const { scenario, request } = run;
  const { pages, hold } = holdPages();
  let execs = 0;
  const means = {
    connect: (port: number) => connectTo(relay, listeners, port),
    limits: request.limits,
    signal: bounds.signal,
    mask: [target.id, target.id.slice(0, 12)],
  };
  const answers = await runProbes({
    ...means,
    planned: planProbes(scenario, listeners, exposed, request.limits),
    exec: (asked, ended) => executeProbe(run, place, target, asked, `exec-${++execs}`, ended),
    heard: hold,
  });
  const hostname = request.run.hostname ?? containerHostname;
  // The other half of the time is for what comes after it.
  const withinMs = bounds.remainingMs() / 2;
  const found = await explore({ ...means, scenario, pages, hostname, withinMs });
  return {
    answers: [...answers, ...found.pages.map((page) => page.answer)],
    discovered: found.pages.map((page) => page.probe),
    warnings: found.warnings,
    execs,
  };
}
