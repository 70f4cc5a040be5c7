import { posix } from "node:path";
import type { HostConfig } from "dockerode";
import type { JobRequest, Scenario } from "#contract/job.ts";
import type { ContainerSpec } from "../docker/container.ts";
import type { ImageConfig } from "../image/source.ts";

const { dirname } = posix;

/** The capabilities that an engine gives a container by default, as a kernel mask (moby `caps.DefaultCapabilities`). */
export const defaultCapabilities = "a80425fb";

/** The host name of every observed container: equal in all runs, so that answers which show it do not differ by it. */
export const containerHostname = "winnow";

/** How one scenario runs: the command as the image and the scenario give it. */
export type Command = {
  argv: string[];
  user: string;
  workdir: string;
  /** What the scenario adds to the image's own environment. */
  env: string[];
  /** The image and the scenario leave HOME open, so it comes from the user's entry in /etc/passwd. */
  homeFromUser: boolean;
};

/** The command of a scenario on an image with this config; an ENTRYPOINT of the scenario drops the image's CMD, as the engine does. */
export function commandOf(config: ImageConfig, scenario: Scenario): Command {
  const entrypoint = scenario.entrypoint ?? config.Entrypoint ?? [];
  const imageCmd = scenario.entrypoint === undefined ? (config.Cmd ?? []) : [];
  const env = [...(config.Env ?? []), ...scenario.env];
  return {
    argv: [...entrypoint, ...(scenario.cmd ?? imageCmd)],
    user: scenario.user ?? config.User ?? "",
    workdir: scenario.workdir ?? config.WorkingDir ?? "",
    env: scenario.env,
    homeFromUser: !env.some((assignment) => assignment.startsWith("HOME=")),
  };
}

/** Where the sensor stands in a container of this run, where its event files go, and their key. */
export type SensorPlace = {
  directory: string;
  binary: string;
  key: string;
  /** Name of the volume that holds the program; without one it stands in the container's own layer. */
  volume?: string;
  /** Name of the volume that the event files go to, where the container's own layer cannot be written. */
  eventsVolume?: string;
};

export type GuardedPlace = SensorPlace & { volume: string };

/** A place in the container's own layer. `token` is random, lower case. */
export function sensorPlace(token: string, key: string): SensorPlace {
  const directory = `/.winnow-${token}`;
  return { directory, binary: `${directory}/sensor`, key };
}

/**
 * A place where an application that runs as root cannot put a program of its own in the sensor's place. It must not: each
 * command that we execute beside it starts as the sensor, with capabilities that the application does not have. A volume
 * mounted read-only right below `/` can be neither written nor moved aside.
 */
export function guardedPlace(token: string, key: string, hasReadOnlyRoot = false): GuardedPlace {
  return {
    ...sensorPlace(token, key),
    binary: `/.winnow-${token}-program/sensor`,
    volume: `winnow-${token}`,
    ...(hasReadOnlyRoot ? { eventsVolume: `winnow-${token}-events` } : {}),
  };
}

/** Names of the volumes of a place. */
export const volumesOf = ({ volume, eventsVolume }: SensorPlace): string[] =>
  [volume, eventsVolume].filter((name) => name !== undefined);

/** The volumes with the program and for the events, where there are any. */
function placeMounts(place: SensorPlace, ReadOnly: boolean): NonNullable<HostConfig["Mounts"]> {
  const { volume, eventsVolume, binary, directory } = place;
  return [
    ...(volume === undefined ? [] : [mountOf(volume, dirname(binary), ReadOnly)]),
    ...(eventsVolume === undefined ? [] : [mountOf(eventsVolume, directory, false)]),
  ];
}

const mountOf = (Source: string, Target: string, ReadOnly: boolean) =>
  ({ Type: "volume", Source, Target, ReadOnly }) as const;

/**
 * An image by the engine's id of it, and the config that it is run by. `made`: the image's own config, when that is another one:
 * what the slim image will say differently is tried on the original.
 */
export type Subject = { image: string; config: ImageConfig; made?: ImageConfig };

/** The environment of a run over that of the image. A name alone takes a variable away (moby `ReplaceOrAppendEnvVars`). */
function environment({ config, made }: Subject, command: Command): string[] {
  if (!made) return command.env;
  const before = new Set(made.Env ?? []);
  const nameOf = (text: string) => text.replace(/=.*$/s, "");
  const names = new Set((config.Env ?? []).map(nameOf));
  return [
    ...(made.Env ?? []).map(nameOf).filter((name) => !names.has(name)),
    ...(config.Env ?? []).filter((text) => !before.has(text)),
    ...command.env,
  ];
}

/** What an image that is run by another config than its own must be told besides the environment. */
function asConfigured({ config, made }: Subject): Partial<ContainerSpec> {
  if (!made) return {};
  const own = Object.keys(made.Volumes ?? {});
  const volumes = Object.keys(config.Volumes ?? {}).filter((path) => !own.includes(path));
  return volumes.length > 0 ? { Volumes: Object.fromEntries(volumes.map((path) => [path, {}])) } : {};
}

/** Limits and isolation that every run of the image's own code has. */
function isolation({ run, limits }: JobRequest): HostConfig {
  return {
    NetworkMode: run.network,
    Binds: run.mounts,
    ExtraHosts: run.etcHosts,
    Dns: run.dns,
    DnsSearch: run.dnsSearch,
    Links: run.links,
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    PidsLimit: limits.pids,
    Privileged: false,
    // The default driver writes a file on the engine's disk that nobody reads: the output comes over the attached streams.
    LogConfig: { Type: "none", Config: {} },
  };
}

function base(subject: Subject, request: JobRequest, command: Command): ContainerSpec {
  return {
    Image: subject.image,
    ...asConfigured(subject),
    // A container that shares somebody's network cannot have a name of its own.
    ...(/^(host|container:)/.test(request.run.network) ? {} : { Hostname: request.run.hostname ?? containerHostname }),
    ...(command.workdir === "" ? {} : { WorkingDir: command.workdir }),
    ExposedPorts: Object.fromEntries(request.run.expose.map((port) => [port.includes("/") ? port : `${port}/tcp`, {}])),
    Tty: false,
    AttachStdout: true,
    AttachStderr: true,
    // The health check is a probe of ours: as the engine starts it, it would run beside the sensor and not under it.
    Healthcheck: { Test: ["NONE"] },
  };
}

const stdinOf = (scenario: Scenario): Partial<ContainerSpec> =>
  scenario.stdin === undefined ? { OpenStdin: false } : { AttachStdin: true, OpenStdin: true, StdinOnce: true };

/** The image's own command under the sensor, with its own user, directory, environment, capabilities and stop signal. */
export function underSensor(
  subject: Subject,
  request: JobRequest,
  scenario: Scenario,
  place: SensorPlace,
  stopSignal: number,
): ContainerSpec {
  const command = commandOf(subject.config, scenario);
  return {
    ...base(subject, request, command),
    ...stdinOf(scenario),
    User: "0:0",
    Env: [...environment(subject, command), `WINNOW_SENSOR_KEY=${place.key}`],
    Entrypoint: [place.binary],
    Cmd: [...sensorArguments(command, place, "events"), "--kill-uncaught", String(stopSignal), "--", ...command.argv],
    HostConfig: { ...isolation(request), Mounts: placeMounts(place, true), CapAdd: ["SYS_ADMIN", "SYS_PTRACE"] },
  };
}

/** Arguments of the sensor up to the command, for the main run and for what is executed beside it. */
export function sensorArguments(command: Command, place: SensorPlace, eventsName: string): string[] {
  return [
    "observe",
    ...["--dir", place.directory, "--name", eventsName, "--user", command.user, "--caps", defaultCapabilities],
    ...(command.homeFromUser ? ["--set-home"] : []),
    ...(place.volume === undefined ? [] : ["--hide", dirname(place.binary)]),
  ];
}

/** The image as any user would start it, with nothing of ours in it. */
export function bare(subject: Subject, request: JobRequest, scenario: Scenario): ContainerSpec {
  const command = commandOf(subject.config, scenario);
  return {
    ...base(subject, request, command),
    ...stdinOf(scenario),
    ...(command.user === "" ? {} : { User: command.user }),
    Env: environment(subject, command),
    ...startOf(subject, scenario),
    HostConfig: isolation(request),
  };
}

/** What is started, where it is not what the image itself says: then both, since an entrypoint alone would drop the command. */
function startOf({ config, made }: Subject, { entrypoint, cmd }: Scenario): Pick<ContainerSpec, "Entrypoint" | "Cmd"> {
  if (made)
    return {
      Entrypoint: entrypoint ?? config.Entrypoint ?? [],
      Cmd: cmd ?? (entrypoint === undefined ? (config.Cmd ?? []) : []),
    };
  return {
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
    ...(cmd === undefined ? {} : { Cmd: cmd }),
  };
}

/** Where programs may write although their root cannot be written: as `docker run --read-only --tmpfs /tmp --tmpfs /run`. */
const writableDirectories = ["/tmp", "/run"];

/** The same container with a root file system that cannot be written. Its volumes and mounts stay as they are. */
export function withReadOnlyRoot(spec: ContainerSpec, { Volumes = {} }: ImageConfig): ContainerSpec {
  const bound = (spec.HostConfig?.Binds ?? []).map((bind) => bind.split(":")[1]);
  const free = writableDirectories.filter((path) => !(path in Volumes) && !bound.includes(path));
  const Tmpfs = Object.fromEntries(free.map((path) => [path, ""]));
  return { ...spec, HostConfig: { ...spec.HostConfig, ReadonlyRootfs: true, Tmpfs } };
}

/** The same container on the volumes of another one, by its id; without one as it is. */
export const withVolumesFrom = (spec: ContainerSpec, id: string | undefined): ContainerSpec =>
  id === undefined ? spec : { ...spec, HostConfig: { ...spec.HostConfig, VolumesFrom: [id] } };

/** Hides the image's VOLUMEs under empty tmpfs mounts, or the engine would make and fill an anonymous volume for each. */
const withoutVolumes = (config: ImageConfig): NonNullable<HostConfig["Mounts"]> =>
  Object.keys(config.Volumes ?? {}).map((target) => ({ Type: "tmpfs", Target: target, Source: "", ReadOnly: false }));

const helper = ({ image, config, made = config }: Subject, place: SensorPlace, mode: string[]): ContainerSpec => ({
  Image: image,
  User: "0:0",
  WorkingDir: "/",
  Entrypoint: [place.binary],
  Cmd: mode,
  Tty: false,
  AttachStdin: true,
  AttachStdout: true,
  AttachStderr: true,
  OpenStdin: true,
  StdinOnce: true,
  Healthcheck: { Test: ["NONE"] },
  HostConfig: {
    CapDrop: ["ALL"],
    Mounts: [...withoutVolumes(made), ...placeMounts(place, false)],
    Memory: 512 << 20,
    PidsLimit: 16,
    Privileged: false,
    LogConfig: { Type: "none", Config: {} },
  },
});

/** A container of the image in which only the sensor runs, to index, read and pack the pristine rootfs. */
export function filesServer(subject: Subject, place: SensorPlace): ContainerSpec {
  const options = helper(subject, place, ["files", "--umount"]);
  // SYS_ADMIN takes the engine's mounts away from the files below them; the other two read what root may not.
  return {
    ...options,
    HostConfig: {
      ...options.HostConfig,
      NetworkMode: "none",
      CapAdd: ["SYS_ADMIN", "DAC_READ_SEARCH", "DAC_OVERRIDE"],
    },
  };
}

/** Ends the tracers of a container that is deaf to the engine: one process of ours that shares only the view of processes with it. */
export function tracerEnder(subject: Subject, place: SensorPlace, containerId: string): ContainerSpec {
  const options = helper(subject, place, ["release"]);
  const PidMode = `container:${containerId}`;
  return { ...options, HostConfig: { ...options.HostConfig, NetworkMode: "none", PidMode, CapAdd: ["KILL"] } };
}

/** The way into a running container's network: one process of ours that shares nothing else with it. */
export function relaySidecar(subject: Subject, place: SensorPlace, containerId: string): ContainerSpec {
  const options = helper(subject, place, ["relay"]);
  return { ...options, HostConfig: { ...options.HostConfig, NetworkMode: `container:${containerId}` } };
}
