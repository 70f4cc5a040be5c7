import type Docker from "dockerode";

/** What one connected engine is; every field is as the engine says, but for `storage`. */
export type EngineFacts = {
  version: string;
  /** The version of the API that we speak with it: negotiated, not the newest that it has. */
  apiVersion: string;
  /** `containerd` for any snapshotter of the containerd image store, else the graph driver, e.g. `overlay2`. */
  storage: string;
  kernel: string;
  /** As images name it: `amd64`, `arm64`, `arm`, `386`, ... */
  architecture: string;
  /** `linux` or `windows`: the kind of containers that it runs. */
  os: string;
  /** Version of the control groups, `1` or `2`. */
  cgroup: string;
  rootless: boolean;
  securityOptions: string[];
};

/** A connected engine. `configDir` is the Docker client's directory, where the registry credentials are. */
export type Engine = { docker: Docker; facts: EngineFacts; host: string; configDir: string };

/** The engine names machines as the kernel does, images as Go does. */
const architectures: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
  armv7l: "arm",
  armv6l: "arm",
  i386: "386",
  i686: "386",
};

/** `x86_64` to `amd64`; names that both sides share (riscv64, s390x, ppc64le) stay. */
export const imageArchitecture = (machine: string): string => architectures[machine] ?? machine;
