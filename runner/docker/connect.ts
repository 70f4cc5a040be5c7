import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { Agent } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import { type Engine, type EngineFacts, imageArchitecture } from "./engine.ts";

/** Versions of the engine API that we know. 1.40 is the least that current engines still speak. */
const oldestApi = 40;
const newestApi = 51;

/** What the flags say; what they leave out comes from `env` and the Docker client's files. */
export type Target = {
  host?: string;
  tls?: boolean;
  tlsVerify?: boolean;
  certPath?: string;
  env: Readonly<Record<string, string | undefined>>;
};

/** Where the engine is. `certDir` holds ca.pem, cert.pem and key.pem, each optional. `from` tells who said so. */
export type Address = { host: string; tls: boolean; verify: boolean; certDir?: string; from: string };

const ClientConfig = z.looseObject({ currentContext: z.string().optional() });
const ContextMeta = z.looseObject({
  Endpoints: z.looseObject({
    docker: z.looseObject({ Host: z.string().optional(), SkipTLSVerify: z.boolean().optional() }).optional(),
  }),
});

/** The Docker client's directory: DOCKER_CONFIG, else ~/.docker. */
export const clientDirectory = (env: Target["env"]): string =>
  env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker");

/** Parses a JSON file of the Docker client; undefined when it is not there. Throws `config.invalid`. */
export function readClientFile<T>(path: string, schema: z.ZodType<T>): T | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new WinnowError(
      "config.invalid",
      `${path} cannot be read as a file of the Docker client.`,
      "Correct or remove it.",
      cause,
    );
  }
}

/** Decides which engine is meant: flags, DOCKER_HOST, the context, a rootless socket, the default socket. Throws `config.invalid`. */
export function findAddress({ host, tls, tlsVerify, certPath, env }: Target): Address {
  const wanted = host || env.DOCKER_HOST;
  if (wanted) {
    const verify = tlsVerify ?? (env.DOCKER_TLS_VERIFY !== undefined && env.DOCKER_TLS_VERIFY !== "");
    const secure = tls === true || verify;
    const certDir = certPath || env.DOCKER_CERT_PATH || (secure ? clientDirectory(env) : undefined);
    // An https address asks for TLS by itself, and nothing but `--tls` alone asks for TLS without verification.
    const https = wanted.startsWith("https:");
    return {
      host: wanted,
      tls: secure || https,
      verify: verify || (https && !tls),
      certDir,
      from: host ? "--host" : "DOCKER_HOST",
    };
  }
  const directory = clientDirectory(env);
  const context = env.DOCKER_CONTEXT || readClientFile(join(directory, "config.json"), ClientConfig)?.currentContext;
  if (context && context !== "default") return contextAddress(directory, context);
  const rootless = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, "docker.sock") : undefined;
  const socket =
    !existsSync("/var/run/docker.sock") && rootless && existsSync(rootless) ? rootless : "/var/run/docker.sock";
  return { host: `unix://${socket}`, tls: false, verify: false, from: "the default socket" };
}

function contextAddress(directory: string, name: string): Address {
  const id = createHash("sha256").update(name).digest("hex");
  const path = join(directory, "contexts", "meta", id, "meta.json");
  const endpoint = readClientFile(path, ContextMeta)?.Endpoints.docker;
  if (!endpoint?.Host) {
    throw new WinnowError(
      "config.invalid",
      `The Docker context "${name}" has no engine.`,
      "See `docker context ls`, or name the engine with `--host`.",
    );
  }
  const certDir = join(directory, "contexts", "tls", id, "docker");
  const tls = existsSync(certDir);
  return {
    host: endpoint.Host,
    tls,
    verify: tls && endpoint.SkipTLSVerify !== true,
    certDir: tls ? certDir : undefined,
    from: `the Docker context "${name}"`,
  };
}

/** The client's settings; `agent` is missing in its types. */
export type ClientOptions = Docker.DockerOptions & { agent?: Agent };

/** Every field is given, or the client would fill it from the environment on its own. */
const nothing: ClientOptions = {
  socketPath: undefined,
  host: undefined,
  port: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
  timeout: undefined,
};

/** The settings that reach this address. Throws `config.invalid` for what cannot be reached. */
export function clientOptions(address: Address): ClientOptions {
  const url = parseHost(address);
  if (url.protocol === "unix:") return { ...nothing, protocol: "http", socketPath: decodeURIComponent(url.pathname) };
  if (url.protocol !== "tcp:" && url.protocol !== "http:" && url.protocol !== "https:") {
    throw new WinnowError(
      "config.invalid",
      `${address.from} names an engine at ${address.host}: ${url.protocol}// is not supported.`,
      url.protocol === "ssh:"
        ? "Forward its socket, `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, and use `--host unix:///tmp/docker.sock`."
        : addressForms,
    );
  }
  const host = { ...nothing, host: url.hostname.replace(/^\[|\]$/g, "") };
  if (!address.tls && url.protocol !== "https:") return { ...host, protocol: "http", port: url.port || "2375" };
  const tls = { ca: pem(address, "ca.pem"), cert: pem(address, "cert.pem"), key: pem(address, "key.pem") };
  // TLS that nobody asked to verify still encrypts, as with `docker --tls`.
  const agent = address.verify ? undefined : new Agent({ rejectUnauthorized: false });
  return { ...host, ...tls, protocol: "https", port: url.port || "2376", agent };
}

const addressForms = "Use unix://PATH, tcp://HOST:PORT or https://HOST:PORT.";

function pem({ certDir }: Address, name: string): string | undefined {
  const path = certDir && join(certDir, name);
  return path && existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function parseHost(address: Address): URL {
  const text = address.host.includes("://") ? address.host : `tcp://${address.host}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === "unix:" ? url.pathname : url.host)) return url;
  throw new WinnowError(
    "config.invalid",
    `${address.from} names an engine at "${address.host}", which is no address.`,
    addressForms,
  );
}

/** The newest version that both sides know, e.g. `1.41`. Throws `docker.unavailable` when there is none. */
export function negotiate(newestOfEngine: string, oldestOfEngine: string): string {
  const minor = (version: string): number => Number(/^1\.(\d+)$/.exec(version)?.[1] ?? Number.NaN);
  const version = Math.min(minor(newestOfEngine), newestApi);
  if (!(version >= oldestApi) || version < (minor(oldestOfEngine) || 0)) {
    throw new WinnowError(
      "docker.unavailable",
      `The engine speaks API ${oldestOfEngine || "?"} to ${newestOfEngine || "?"}, and Winnow 1.${oldestApi} to 1.${newestApi}.`,
      "Use Docker Engine 19.03 or newer.",
    );
  }
  return `1.${version}`;
}

const Version = z.looseObject({ Version: z.string(), ApiVersion: z.string(), MinAPIVersion: z.string().default("") });
const Info = z.looseObject({
  Driver: z.string(),
  DriverStatus: z.array(z.array(z.string())).nullish(),
  KernelVersion: z.string().default(""),
  Architecture: z.string(),
  OSType: z.string().default("linux"),
  CgroupVersion: z.string().default("1"),
  SecurityOptions: z.array(z.string()).nullish(),
});

/** What the engine's `/info` says, in our words. */
export function readFacts(version: string, apiVersion: string, answer: unknown): EngineFacts {
  const info = Info.parse(answer);
  const containerd = info.DriverStatus?.some(
    ([key, value]) => key === "driver-type" && value?.startsWith("io.containerd.snapshotter"),
  );
  const securityOptions = info.SecurityOptions ?? [];
  return {
    version,
    apiVersion,
    storage: containerd ? "containerd" : info.Driver,
    kernel: info.KernelVersion,
    architecture: imageArchitecture(info.Architecture),
    os: info.OSType,
    cgroup: info.CgroupVersion,
    rootless: securityOptions.some((option) => option.includes("rootless")),
    securityOptions,
  };
}

/** How long an engine may take to say what it is. */
const answerMs = 15_000;

/** Connects to the engine that flags and environment name. Throws `docker.unavailable` when it does not answer, `config.invalid`. */
export async function connectEngine(target: Target): Promise<Engine> {
  const address = findAddress(target);
  const options = clientOptions(address);
  try {
    const known = Version.parse(await inTime(new Docker(options).version()));
    const apiVersion = negotiate(known.ApiVersion, known.MinAPIVersion);
    const docker = new Docker({ ...options, version: `v${apiVersion}` });
    const facts = readFacts(known.Version, apiVersion, await inTime(docker.info()));
    return { docker, facts, host: address.host, configDir: clientDirectory(target.env) };
  } catch (thrown) {
    if (thrown instanceof WinnowError) throw thrown;
    throw unreachable(address, thrown);
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${answerMs / 1000} s`)), answerMs);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

function unreachable(address: Address, thrown: unknown): WinnowError {
  const failure = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = "code" in failure && typeof failure.code === "string" ? failure.code : "";
  const hint =
    code === "EACCES"
      ? "This user may not use the engine's socket: add it to the group that owns the socket, or use `sudo`."
      : /no answer/.test(failure.message)
        ? "Check the address and the network between here and there."
        : /certificate|SSL|TLS|wrong version number|HTTP request to an HTTPS/i.test(failure.message)
          ? "Check DOCKER_TLS_VERIFY and the certificates in DOCKER_CERT_PATH."
          : "Start Docker, or name the engine with `--host` or DOCKER_HOST.";
  return new WinnowError(
    "docker.unavailable",
    `No Docker engine answers at ${address.host} (${address.from}): ${failure.message || code || failure.name}`,
    hint,
    thrown,
  );
}
