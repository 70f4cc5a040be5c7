import type { Duplex } from "node:stream";
import { type Container, createContainer, removeContainer, startAttached } from "../docker/container.ts";
import { putFiles } from "../docker/files.ts";
import type { Listener } from "../probes/readiness.ts";
import { openRelay, type Relay } from "../sensor/relay-client.ts";
import { relaySidecar, type Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { freshPlace, sensorFiles } from "./open-files.ts";

/** The way into the network of a container, through a sidecar that is made before it is needed: `start` joins it. */
export type Sidecar = { start(): Promise<Relay>; remove(): Promise<void> };

/**
 * Prepares the sidecar. `start` fails when the target is not running (any more). With a `place` that it shares with its
 * target, it fills the volume that both take the program from.
 */
export async function prepareSidecar(
  subject: Subject,
  target: Container,
  deps: JobDeps,
  place = freshPlace(),
): Promise<Sidecar> {
  const container = await createContainer(deps, relaySidecar(subject, place, target.id));
  const remove = () => removeContainer(container);
  try {
    await putFiles(container, sensorFiles(place, deps.sensor));
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    remove,
    async start() {
      const attached = await startAttached(container, { stdin: true, tty: false });
      attached.stderr.resume();
      return openRelay(attached);
    },
  };
}

/** Opens a stream to a port as the application bound it. `::` also takes IPv4, unless the application said no. */
export async function connectTo(relay: Relay, listeners: readonly Listener[], port: number): Promise<Duplex> {
  const bound = listeners.filter((listener) => listener.port === port);
  const candidates = new Set(bound.flatMap((listener) => addressesFor(listener.address)));
  const boundPort = bound[0]?.boundPort ?? port;
  let failure: unknown = new Error(`nothing listens on port ${port}`);
  for (const address of candidates.size > 0 ? candidates : ["127.0.0.1"]) {
    try {
      return await relay.connect(address, boundPort);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function addressesFor(address: string): string[] {
  if (address === "0.0.0.0") return ["127.0.0.1"];
  if (address === "::") return ["127.0.0.1", "::1"];
  return [address];
}
