import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "minio";
import { projectRoot } from "#api/root.ts";
import { S3Settings } from "#api/store/s3-settings.ts";
import { freePort } from "./free-port.ts";

/** Begins the names of data directories; the process that made one follows. */
const homePrefix = "winnow-minio-";

export const rootKeys = { accessKeyId: "winnow-test", secretAccessKey: "winnow-test-secret" };

/** A MinIO server of a test's own, on 127.0.0.1, with its data in `dir`. */
export type Minio = {
  endpoint: string;
  dir: string;
  pid(): number;
  /** Settings for its root user and this bucket, which need not exist. */
  settings(bucket: string, more?: Partial<S3Settings>): S3Settings;
  makeBucket(name: string): Promise<void>;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
  /** The same by SIGKILL. */
  kill(): Promise<void>;
  /** After `stop` or `kill`: on the same port and directory. */
  startAgain(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
};

/** The path of the server's binary, or undefined where there is none and none can be built. */
export function minioBinary(): string | undefined {
  try {
    return execFileSync("bash", [join(projectRoot(), "infra/minio.sh"), "path"], {
      stdio: ["ignore", "pipe", "ignore"],
    })
      .toString()
      .trim();
  } catch {
    return undefined;
  }
}

/** Starts one and waits until it answers. `dir` is for a file system that the test has made; otherwise it is a new one. */
export async function startMinio({ dir: given }: { dir?: string } = {}): Promise<Minio> {
  sweep();
  const home = mkdtempSync(join(tmpdir(), `${homePrefix}${process.pid}-`));
  const dir = given ?? join(home, "data");
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  let server = await launch({ home, dir, port });
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    server.kill(signal);
    await ended;
  };
  return {
    endpoint,
    dir,
    pid: () => server.pid ?? 0,
    settings: (bucket, more) => S3Settings.parse({ endpoint, bucket, ...rootKeys, ...more }),
    makeBucket: async (name) => {
      const { accessKeyId: accessKey, secretAccessKey: secretKey } = rootKeys;
      await new Client({ endPoint: "127.0.0.1", port, useSSL: false, accessKey, secretKey }).makeBucket(name);
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    startAgain: async () => {
      server = await launch({ home, dir, port });
    },
    remove: async () => {
      await end("SIGKILL");
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A test that was killed could not remove its server's data. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(homePrefix) ? name.slice(homePrefix.length).split("-")[0] : undefined;
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** The server dies with this process, however that ends: the kernel sees to it. */
async function launch({ home, dir, port }: { home: string; dir: string; port: number }): Promise<ChildProcess> {
  const binary = minioBinary();
  if (!binary) throw new Error("there is no MinIO here: run infra/minio.sh build");
  const argv = ["server", dir, "--address", `127.0.0.1:${port}`, "--certs-dir", join(home, "certs"), "--quiet"];
  const server = spawn("setpriv", ["--pdeathsig", "KILL", binary, ...argv], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: home,
      MINIO_ROOT_USER: rootKeys.accessKeyId,
      MINIO_ROOT_PASSWORD: rootKeys.secretAccessKey,
      MINIO_BROWSER: "off",
      MINIO_UPDATE: "off",
    },
  });
  let said = "";
  server.stderr.on("data", (piece) => {
    said = `${said}${piece}`.slice(-4_000);
  });
  const deadline = Date.now() + 60_000;
  while (!(await isServing(port))) {
    const hasEnded = server.exitCode !== null || server.signalCode !== null;
    if (hasEnded || Date.now() > deadline) {
      server.kill("SIGKILL");
      throw new Error(`MinIO did not start on port ${port}: ${said || "it said nothing"}`);
    }
    await delay(50);
  }
  return server;
}

/** Its health page is green before it serves: until then each call is answered by 503, and then one without keys by 403. */
async function isServing(port: number): Promise<boolean> {
  const asked = fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) });
  return await asked.then(
    ({ status }) => status === 403,
    () => false,
  );
}
