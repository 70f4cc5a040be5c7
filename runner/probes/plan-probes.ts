import type { HttpProbe, Limits, Probe, Scenario } from "#contract/job.ts";
import { HttpProbe as HttpProbeSchema } from "#contract/job.ts";
import type { Listener } from "./readiness.ts";

/** One probe with its port. `runProbes` decides what to do when that port turns out not to speak HTTP. */
export type PlannedProbe = {
  scenario: string;
  probe: Probe;
  /** Null for exec probes, and for probes of any port when nothing listens. */
  port: number | null;
  /**
   * `default`: our own GET /; a port without HTTP gets a TCP greeting instead. `every-port`: the user named no port; ports
   * without HTTP are skipped when another one has it. `asked`: exactly this, whatever comes of it.
   */
  origin: "default" | "every-port" | "asked";
  timeoutMs: number;
};

/** How long a port that nobody declared may take over a request that nobody asked for: epmd, for one, waits forever for the rest. */
const undeclaredPortMs = 5000;

/**
 * The probes of a scenario in the order in which they are sent: `GET /` on every listening port unless `defaultProbe` is
 * false, then the scenario's own in their order; a probe without a port goes to every listening port. Ports: exposed ones
 * first, then by number. An exposed port on which nothing listens is not probed: images inherit such ports.
 */
export function planProbes(
  scenario: Scenario,
  listeners: readonly Listener[],
  exposed: readonly number[],
  limits: Limits,
): PlannedProbe[] {
  const isExposed = (port: number) => exposed.includes(port);
  const ports = [...new Set(listeners.map((listener) => listener.port))].toSorted(
    (a, b) => Number(isExposed(b)) - Number(isExposed(a)) || a - b,
  );
  const declared = ports.some(isExposed);
  const timeoutMs = limits.probeMs;
  const home: HttpProbe = HttpProbeSchema.parse({ kind: "http", resource: "/" });
  const defaults = (scenario.defaultProbe ? ports : []).map(
    (port): PlannedProbe => ({
      scenario: scenario.name,
      probe: home,
      port,
      origin: "default",
      timeoutMs: declared && !isExposed(port) ? Math.min(undeclaredPortMs, timeoutMs) : timeoutMs,
    }),
  );
  const own = scenario.probes.flatMap((probe): PlannedProbe[] => {
    const planned = { scenario: scenario.name, probe, timeoutMs };
    if (probe.kind === "exec") return [{ ...planned, port: null, origin: "asked" }];
    if (probe.port !== undefined) return [{ ...planned, port: probe.port, origin: "asked" }];
    if (ports.length === 0) return [{ ...planned, port: null, origin: "asked" }];
    return ports.map((port) => ({ ...planned, port, origin: probe.kind === "http" ? "every-port" : "asked" }));
  });
  return [...defaults, ...own];
}
