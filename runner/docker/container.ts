import { type Duplex, type Readable, Writable } from "node:stream";
import type Docker from "dockerode";
import type { RunnerDeps } from "../deps.ts";
import { demultiplex, passThrough } from "./demultiplex.ts";
import { calling, canceled, engineError, engineMessage, hasStatus, throwIfAborted } from "./errors.ts";
import { ownedLabels } from "./owner.ts";
import { removing } from "./removal.ts";

/** What is created: the engine's own fields, so that a test can pin every one of them. Our labels are added to its own. */
export type ContainerSpec = Docker.ContainerCreateOptions & { Image: string };

/** What it takes to work with containers. */
export type ContainerDeps = Pick<RunnerDeps, "engine" | "jobId" | "runnerId" | "signal" | "log">;

/** A container of ours. An abort of `signal` ends every call and every attached stream of it. */
export type Container = { readonly id: string; readonly docker: Docker; readonly signal: AbortSignal };

/** How a main process ended. `error` is what the engine says about a failed start, else empty. */
export type Exit = { code: number; oomKilled: boolean; error: string };

/** Both outputs must be read (or resumed): one that nobody takes stops the other. End `stdin` to close it. */
export type Attached = { stdin: Writable; stdout: Readable; stderr: Readable };

const raw = (container: Container): Docker.Container => container.docker.getContainer(container.id);

/** Creates a container. Throws `image.not-found`, `app.start-failed` (its working directory is a file), `disk.full`, `docker.unavailable`, `docker.failed`, `job.canceled`. */
export async function createContainer(deps: ContainerDeps, spec: ContainerSpec): Promise<Container> {
  const { docker } = deps.engine;
  throwIfAborted(deps.signal);
  const options = { ...spec, Labels: { ...spec.Labels, ...ownedLabels(deps) } };
  // Not aborted in flight: the engine would finish all the same, and nobody would know the container's id.
  const { id } = await calling("creating a container", undefined, () => docker.createContainer(options), {
    starting: true,
  });
  const container = { id, docker, signal: deps.signal };
  if (!deps.signal.aborted) return container;
  await removeContainer(container);
  throw canceled(deps.signal.reason);
}

/** Creates a container, hands it to `use` and removes it, whatever happens. */
export async function withContainer<T>(
  deps: ContainerDeps,
  spec: ContainerSpec,
  use: (container: Container) => Promise<T>,
): Promise<T> {
  const container = await createContainer(deps, spec);
  try {
    return await use(container);
  } finally {
    // A failed removal must not hide what `use` threw or found; the next start of this runner sweeps what is left.
    await removeContainer(container).catch((error: unknown) =>
      deps.log.warn({ error, containerId: container.id }, "a container could not be removed"),
    );
  }
}

/**
 * Starts a container with its streams attached before the start, so that not one byte of output is lost. `stdin`: the
 * container was created with OpenStdin, StdinOnce and AttachStdin. `exited` settles when the main process has ended; it
 * may be left unread. Throws `app.start-failed` for a command that cannot be executed, and as `createContainer` does.
 */
export async function startAttached(
  container: Container,
  { stdin, tty }: { stdin: boolean; tty: boolean },
): Promise<Attached & { exited: Promise<Exit> }> {
  const { signal } = container;
  const abortSignal = signal;
  const options = { stream: true, stdin, stdout: true, stderr: true, hijack: true, abortSignal };
  // With `hijack` the client hands over the bare socket, a Duplex with a half close.
  const socket = (await calling("attaching to a container", signal, () => raw(container).attach(options))) as Duplex;
  const attached = join(socket, { stdin, tty, signal });
  try {
    await calling("starting a container", signal, () => raw(container).start({ abortSignal }), { starting: true });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const exited = waitForExit(container);
  exited.catch(() => {});
  return { ...attached, exited };
}

export type ExecSpec = {
  argv: string[];
  user?: string;
  env?: string[];
  workdir?: string;
  stdin: boolean;
  tty: boolean;
};

/** How often a running exec is asked for its end. */
const execPollMs = 200;

/**
 * Runs one more command in a running container. A command that cannot be executed gives 126 or 127 and the engine's words
 * on an output. `exited` settles when the command itself has ended, though a child of it may hold the outputs open; `close`
 * lets go of them.
 */
export async function execAttached(
  container: Container,
  { argv, user, env, workdir, stdin, tty }: ExecSpec,
): Promise<Attached & { exited: Promise<{ code: number }>; close(): void }> {
  const { signal } = container;
  const exec = await calling("preparing a command", signal, () =>
    raw(container).exec({
      Cmd: argv,
      User: user,
      Env: env,
      WorkingDir: workdir,
      AttachStdin: stdin,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
      abortSignal: signal,
    }),
  );
  const socket: Duplex = await calling(
    "running a command",
    signal,
    () => exec.start({ hijack: true, stdin: true, Tty: tty, abortSignal: signal }),
    { starting: true },
  );
  const attached = join(socket, { stdin, tty, signal });
  const exited = waitForExec(exec, socket, signal);
  exited.catch(() => {});
  return { ...attached, exited, close: () => socket.destroy() };
}

async function waitForExec(exec: Docker.Exec, socket: Duplex, signal: AbortSignal): Promise<{ code: number }> {
  let wake = (): void => {};
  socket.once("close", () => wake());
  for (;;) {
    const state = await calling("waiting for a command", signal, () => exec.inspect({ abortSignal: signal }));
    if (!state.Running && state.ExitCode !== null) return { code: state.ExitCode };
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, socket.closed ? 20 : execPollMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function join(socket: Duplex, { stdin, tty, signal }: { stdin: boolean; tty: boolean; signal: AbortSignal }): Attached {
  const abort = (): void => {
    socket.destroy(canceled(signal.reason));
  };
  signal.addEventListener("abort", abort, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", abort));
  if (signal.aborted) abort();
  const outputs = tty ? passThrough(socket) : demultiplex(socket);
  return { stdin: stdin ? inputOf(socket) : nowhere(), ...outputs };
}

/** The writing half. A command that ends before it has read everything is its own affair, not a failure of the stream. */
function inputOf(socket: Duplex): Writable {
  const input = new Writable({
    write(chunk, _encoding, done) {
      if (socket.destroyed || socket.writableEnded) done();
      else if (socket.write(chunk)) done();
      else whenWritable(socket, done);
    },
    final(done) {
      if (socket.destroyed || socket.writableEnded) done();
      else socket.end(done);
    },
  });
  input.on("error", () => {});
  return input;
}

function whenWritable(socket: Duplex, done: () => void): void {
  const go = (): void => {
    socket.off("drain", go);
    socket.off("close", go);
    done();
  };
  socket.on("drain", go);
  socket.on("close", go);
}

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Waits until the main process has ended; at once when it already has. */
export async function waitForExit(container: Container): Promise<Exit> {
  await calling("waiting for a container", container.signal, () =>
    raw(container).wait({ abortSignal: container.signal }),
  );
  const { State } = await inspectContainer(container);
  return { code: State.ExitCode, oomKilled: State.OOMKilled, error: State.Error };
}

/** The engine's own description. */
export const inspectContainer = (container: Container): Promise<Docker.ContainerInspectInfo> =>
  calling("inspecting a container", container.signal, () => raw(container).inspect({ abortSignal: container.signal }));

/** Sends a signal (`SIGTERM`, `15`) to the main process; one that has ended already is fine. */
export async function killContainer(container: Container, signal: string): Promise<void> {
  try {
    await raw(container).kill({ signal });
  } catch (thrown) {
    if (!hasStatus(thrown, 409) && !/is not running/i.test(wordsOf(thrown)))
      throw engineError(thrown, "signalling a container");
  }
}

/**
 * Asks the main process to end with `signal`, waits at most `timeoutMs`, then kills it. `killed` tells which of the two it
 * was. Works for an aborted job too.
 */
export async function stopContainer(
  container: Container,
  { signal, timeoutMs }: { signal: string; timeoutMs: number },
): Promise<Exit & { killed: boolean }> {
  const unabortable = { ...container, signal: new AbortController().signal };
  await killContainer(unabortable, signal);
  const ended = waitForExit(unabortable);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined);
  });
  const exit = await Promise.race([ended, late]).finally(() => clearTimeout(timer));
  if (exit) return { ...exit, killed: false };
  await killContainer(unabortable, "SIGKILL");
  return { ...(await ended), killed: true };
}

/** Removes a container with its anonymous volumes, running or not. One that is gone or going is fine; an aborted job may call it. */
export async function removeContainer({ id, docker }: Pick<Container, "id" | "docker">): Promise<void> {
  await removing("removing a container", async () => {
    try {
      await docker.getContainer(id).remove({ force: true, v: true });
    } catch (thrown) {
      if (!hasStatus(thrown, 409) || !/in progress/i.test(wordsOf(thrown))) throw thrown;
    }
  });
}

const wordsOf = (thrown: unknown): string => (thrown instanceof Error ? engineMessage(thrown) : "");
