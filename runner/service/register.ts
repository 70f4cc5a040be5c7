import type { Logger } from "pino";
import { WinnowError } from "#contract/error.ts";
import { Registered, type RunnerFacts, Session } from "#contract/service/runner-protocol.ts";
import { Timings } from "#contract/service/timings.ts";
import { retrying } from "./back-off.ts";
import { ask, type Server } from "./client.ts";
import { Refusal } from "./refusal.ts";
import { type RunnerState, readState, writeState } from "./state-file.ts";

export type Registering = {
  server: Server;
  /** A registration token; not needed by a runner that is registered. */
  token: string | undefined;
  name: string;
  facts: RunnerFacts;
  /** Where runner.json lies. */
  directory: string;
  log: Logger;
  signal: AbortSignal;
};

export type OpenSession = { runnerId: string; token: string; timings: Timings };

/** The pace until the server has told its own. */
const firstPace = Timings.parse({});

/**
 * Makes this process known: a session with the token that is remembered, a registration when there is none or it is refused. A
 * server that cannot be reached is waited for. Throws `config.invalid` without any token, `token.missing`, `protocol.too-old`.
 */
export async function openSession(registering: Registering): Promise<OpenSession> {
  const { server, facts, directory, token, log } = registering;
  const state = readState(directory);
  const known = state.registered?.url === server.url ? state.registered : null;
  if (known) {
    try {
      const session = await patiently(registering, () =>
        ask(server, { method: "POST", path: "/api/v1/runner/session", token: known.token, body: facts }, Session),
      );
      return { runnerId: session.runnerId, token: known.token, timings: session.timings };
    } catch (thrown) {
      if (!isForgotten(thrown) || token === undefined) throw thrown;
      log.warn({ runnerId: known.runnerId }, "the server does not know this runner any more: registering again");
    }
  }
  return register(registering, state);
}

async function register(registering: Registering, { systemId }: RunnerState): Promise<OpenSession> {
  const { server, token, name, facts, directory, log } = registering;
  if (token === undefined) {
    throw new WinnowError(
      "config.invalid",
      `This runner is not registered with ${server.url}, and has no token to do so.`,
      "Make one with `winnow tokens create --scope runner`, and give it with --token or WINNOW_TOKEN.",
    );
  }
  const body = { ...facts, name, systemId };
  const made = await patiently(registering, () =>
    ask(server, { method: "POST", path: "/api/v1/runners", token, body }, Registered),
  );
  writeState(directory, { systemId, registered: { url: server.url, runnerId: made.runnerId, token: made.token } });
  log.info({ runnerId: made.runnerId, name }, "registered");
  return { runnerId: made.runnerId, token: made.token, timings: made.timings };
}

const patiently = <T>({ log, signal }: Registering, call: () => Promise<T>): Promise<T> =>
  retrying(call, {
    pace: firstPace,
    signal,
    onFailure: (thrown) => log.warn({ err: thrown }, "the server does not answer"),
  });

const isForgotten = (thrown: unknown): boolean =>
  thrown instanceof Refusal && (thrown.status === 401 || thrown.status === 404);
