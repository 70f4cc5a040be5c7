import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { projectRoot } from "#api/root.ts";

/** Begins the names of data directories; the process that made one follows. */
const homePrefix = "winnow-engine-";

/** A Docker engine of a test's own, which may be killed: own socket, data, network, processes and mounts. */
export type PrivateEngine = {
  /** As `--host` and DOCKER_HOST take it. */
  host: string;
  /** The engine's process alone, by SIGKILL: containers and containerd stay, as they do on a host. */
  kill(): Promise<void>;
  /** After `kill`: on the same socket and data. */
  startAgain(): Promise<void>;
  /** Ends all that runs in it, and removes what it had. */
  remove(): Promise<void>;
};

/** Where the binaries are that infra/second-engine.sh builds; undefined where there are none, or nobody may start them. */
export function engineBinaries(): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const script = join(projectRoot(), "infra/second-engine.sh");
    return execFileSync("bash", [script, "path"], { stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch {
    return undefined;
  }
}

/**
 * Starts one. All its processes are in a process namespace whose first process dies with this one, however that ends: then the kernel
 * ends them all, and with them go the namespaces of network and mounts.
 */
export async function startPrivateEngine(bin: string): Promise<PrivateEngine> {
  sweep();
  const home = mkdtempSync(join(tmpdir(), `${homePrefix}${process.pid}-`));
  const socket = join(home, "docker.sock");
  const group = basename(home);
  const holder = spawn("setpriv", ["--pdeathsig", "KILL", ...holding], { stdio: ["ignore", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  const init = childOf(holder);
  let engine = await launch({ bin, home, socket, group, init });
  return {
    host: `unix://${socket}`,
    kill: async () => {
      const ended = once(engine, "exit");
      process.kill(childOf(engine), "SIGKILL");
      await ended;
    },
    startAgain: async () => {
      engine = await launch({ bin, home, socket, group, init });
    },
    remove: async () => {
      const ended = once(holder, "exit");
      holder.kill("SIGKILL");
      await ended;
      await removeGroups(group);
      rmSync(home, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    },
  };
}

/** The shell reaps what dies in the namespace. Sockets of containerd's shims have a fixed place, which is not for two engines. */
const holding = [
  ...["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"],
  ...["bash", "-c", "mkdir -p /run/containerd; mount -t tmpfs none /run/containerd; echo up; sleep infinity & wait"],
];

type Place = { bin: string; home: string; socket: string; group: string; init: number };

async function launch({ bin, home, socket, group, init }: Place): Promise<ChildProcess> {
  rmSync(join(home, "docker.pid"), { force: true }); // of one that was killed; its number may be another's by now
  const argv = [
    ...["--target", String(init), "--net", "--mount", "--pid", join(bin, "dockerd")],
    ...["--data-root", join(home, "data"), "--exec-root", join(home, "exec"), "--pidfile", join(home, "docker.pid")],
    ...["-H", `unix://${socket}`, "--bridge", "none", "--iptables=false", "--ip6tables=false"],
    ...["--cgroup-parent", group, "--feature", "containerd-snapshotter=true"],
  ];
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const engine = spawn("nsenter", argv, { stdio: ["ignore", "ignore", "pipe"], env });
  let said = "";
  engine.stderr.on("data", (piece) => {
    said = `${said}${piece}`.slice(-4_000);
  });
  const deadline = performance.now() + 60_000;
  while (!(await answers(socket))) {
    if (engine.exitCode !== null || performance.now() > deadline) throw new Error(`the engine did not start: ${said}`);
    await delay(50);
  }
  return engine;
}

const answers = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request({ socketPath, path: "/_ping", timeout: 5_000, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on("error", () => resolve(false)).on("timeout", () => asked.destroy());
    asked.end();
  });

/** The process that a wrapper has started and waits for. */
function childOf({ pid }: ChildProcess): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  if (!child) throw new Error(`process ${pid} has no child`);
  return Number(child);
}

/** A test that was killed could not remove its engine's data; everything else went with it. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(homePrefix) ? name.slice(homePrefix.length).split("-")[0] : undefined;
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Control groups outlive the processes that were in them; there is one hierarchy, or one for each controller. */
async function removeGroups(name: string): Promise<void> {
  const root = "/sys/fs/cgroup";
  const tops = [root, ...readdirSync(root).map((controller) => join(root, controller))].map((one) => join(one, name));
  for (const top of tops.filter((one) => existsSync(one))) {
    const groups = [top, ...readdirSync(top, { recursive: true, withFileTypes: true }).flatMap(directory)];
    for (const group of groups.sort((a, b) => b.length - a.length)) await removeGroup(group);
  }
}

const directory = (entry: { name: string; parentPath: string; isDirectory(): boolean }): string[] =>
  entry.isDirectory() ? [join(entry.parentPath, entry.name)] : [];

/** Busy while the last of its processes is being taken down. */
async function removeGroup(path: string): Promise<void> {
  for (let tries = 1; existsSync(path); tries += 1) {
    try {
      rmdirSync(path);
    } catch (thrown) {
      if (tries === 50) throw thrown;
      await delay(100);
    }
  }
}
