import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { pack } from "tar-stream";
import { parseEvents, type SensorRun } from "#runner/sensor/events.ts";

export const label = "dev.winnow.test=sensor";
export const image = `winnow-test-sensor:${process.pid}`;
export const key = "000102030405060708090a0b0c0d0e0f";
const build = new URL("../../sensor/build/", import.meta.url);

export type Outcome = { code: number; stdout: string; stderr: string };

/** Runs a program; a failure is an outcome. At most a minute, so that nothing hangs. */
export function run(program: string, args: string[], input?: Buffer, env?: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = {
      encoding: "buffer" as const,
      timeout: 60_000,
      maxBuffer: 64 << 20,
      env: { ...process.env, ...env },
    };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
      resolve({ code, stdout: stdout.toString("latin1"), stderr: stderr.toString("latin1") });
    });
    child.stdin?.on("error", () => {}); // the program may end before it has read everything
    child.stdin?.end(input);
  });
}

/** The engine's command line; throws when it fails. */
export async function docker(args: string[], input?: Buffer): Promise<string> {
  const { code, stdout, stderr } = await run("docker", args, input);
  if (code !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

type Entry = { name: string; mode: number; content?: Buffer | string; uid?: number; link?: string };

async function tar(entries: Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, mode, content, uid = 0, link } of entries) {
    const common = { name, mode, uid, gid: uid };
    if (link !== undefined) archive.entry({ ...common, type: "symlink", linkname: link });
    else if (content === undefined) archive.entry({ ...common, type: "directory" });
    else archive.entry(common, content);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer); // tar-stream's iterator is untyped
  return Buffer.concat(chunks);
}

/** Makes the image that all containers here use: the subject, also with the set-user-id bit, and the robustness suite. */
export async function makeImage(): Promise<void> {
  const subject = await readFile(new URL("subject", build));
  const archive = await tar([
    { name: "bin", mode: 0o755 },
    { name: "tmp", mode: 0o1777 },
    { name: "etc", mode: 0o755 },
    { name: "home", mode: 0o755 },
    { name: "srv", mode: 0o755 },
    { name: "srv/data", mode: 0o644, content: "data" },
    { name: "srv/link", mode: 0o777, link: "data" },
    { name: "bin/subject", mode: 0o755, content: subject },
    { name: "bin/subject-suid", mode: 0o4755, content: subject },
    { name: "bin/script", mode: 0o755, content: "#!/bin/subject open\n" },
    { name: "bin/robustness", mode: 0o755, content: await readFile(new URL("robustness", build)) },
    { name: "etc/passwd", mode: 0o644, content: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:\n" },
    { name: "etc/group", mode: 0o644, content: "root:x:0:\napp:x:1001:\nwheel:x:10:root,app\naudio:x:29:app\n" },
  ]);
  await docker(["import", "--change", "ENV PATH=/bin", "--change", `LABEL ${label}`, "-", image], archive);
}

/** Removes every container and image that a run of these tests made. */
export async function removeAll(): Promise<void> {
  const containers = await docker(["ps", "-aq", "--filter", `label=${label}`]);
  if (containers !== "") await run("docker", ["rm", "-fv", ...containers.split("\n")]);
  await run("docker", ["rmi", "-f", image]);
}

export type Container = {
  id: string;
  /** Starts it and waits for its end. */
  finish: () => Promise<Outcome>;
  /** Starts it and waits until it says `ready`. */
  ready: () => Promise<void>;
  exitCode: () => Promise<number>;
  events: (name?: string) => Promise<SensorRun>;
};

type Options = { engine?: string[]; argv: string[] };
type Traced = Options & { sensor?: string[]; directoryOwner?: number };

function container(id: string, directory: string): Container {
  const logs = async () => (await run("docker", ["logs", id])).stdout;
  return {
    id,
    finish: () => run("docker", ["start", "-a", id]),
    ready: async () => {
      await docker(["start", id]);
      const until = Date.now() + 20_000;
      while (!(await logs()).includes("ready"))
        if (Date.now() > until) throw new Error("the container does not get ready");
    },
    exitCode: async () => Number(await docker(["wait", id])),
    events: async (name = "events") => {
      const { stdout } = await run("docker", ["cp", `${id}:${directory}/${name}`, "-"]);
      const archive = Buffer.from(stdout, "latin1");
      const size = Number.parseInt(archive.toString("latin1", 124, 135), 8);
      return parseEvents(archive.subarray(512, 512 + size), key);
    },
  };
}

const common = ["create", "--label", label, "--network", "none"];

/** A container of the image as its owner would run it. */
export async function untraced({ engine = [], argv }: Options): Promise<Container> {
  return container(await docker([...common, ...engine, image, ...argv]), "");
}

/** The same under the sensor, put in with the archive call. */
export async function traced({ engine = [], sensor = [], argv, directoryOwner = 0 }: Traced): Promise<Container> {
  const directory = `/.${randomBytes(8).toString("hex")}`;
  const program = `${directory}/sensor`;
  const id = await docker([
    ...[...common, "--env", `WINNOW_SENSOR_KEY=${key}`, ...engine, "--entrypoint", program, image],
    ...["observe", "--dir", directory, ...sensor, "--", ...argv],
  ]);
  const archive = await tar([
    { name: directory.slice(1), mode: 0o700, uid: directoryOwner },
    {
      name: program.slice(1),
      mode: 0o755,
      content: await readFile(new URL("sensor-amd64", build)),
      uid: directoryOwner,
    },
  ]);
  await docker(["cp", "-", `${id}:/`], archive);
  return container(id, directory);
}
