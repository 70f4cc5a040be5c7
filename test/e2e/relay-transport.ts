import type { RunnerDeps } from "#runner/deps.ts";
import { sensorBinary } from "#runner/sensor/binary.ts";
import type { Relay } from "#runner/sensor/relay-client.ts";
import type { JobDeps } from "#runner/stages/job-deps.ts";
import { connectTo, prepareSidecar, type Sidecar } from "#runner/stages/open-relay.ts";
import type { Transport } from "../images/transport.ts";

/**
 * Reaches a checked container through a relay beside it: for engines without a bridge, and because it needs no port of the
 * host. `image` is any image that the engine has. Call `close` when the check is over.
 */
export async function relayTransport(
  deps: RunnerDeps,
  image: string,
): Promise<{ transport: Transport; close(): Promise<void> }> {
  const sensor = await sensorBinary(deps.engine.facts.architecture);
  const job: JobDeps = { ...deps, sensor, later: () => {}, settled: async () => {} };
  const open = new Map<string, Promise<{ sidecar: Sidecar; relay: Relay }>>();

  const reach = (container: { id: string }, startedAt: string) => {
    // A restarted container has a new network namespace, and needs a new sidecar in it.
    const key = `${container.id} ${startedAt}`;
    const known = open.get(key) ?? join(container.id);
    open.set(key, known);
    return known;
  };
  const join = async (id: string) => {
    const target = { id, docker: deps.engine.docker, signal: deps.signal };
    const sidecar = await prepareSidecar({ image, config: {} }, target, job);
    return { sidecar, relay: await sidecar.start() };
  };
  return {
    transport: {
      hostConfig: () => ({ NetworkMode: "none" }),
      async connect(container, port) {
        const { State } = await container.inspect();
        const { relay } = await reach(container, State.StartedAt);
        return connectTo(relay, await relay.listeners(), port);
      },
    },
    async close() {
      for (const joined of await Promise.allSettled(open.values())) {
        if (joined.status === "fulfilled") await joined.value.sidecar.remove();
      }
    },
  };
}
