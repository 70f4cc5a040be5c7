import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import Docker from "dockerode";
import { pack } from "tar-stream";
import { checkSample, label } from "./check.ts";
import { loadSample, type Sample } from "./sample.ts";

export const samplesDir = import.meta.dirname;
/** Applications that others wrote, built and checked in the same way, but no part of the test suite. */
export const realDir = join(samplesDir, "..", "real");
const hashLabel = "dev.winnow.sample.hash";
const fatBase = "fat-base";
/** A fixed time, so that two checkouts make the same layers. */
const mtime = new Date("2024-01-01T00:00:00Z");

/** Where the base comes from and how a build reaches its registries; read from the environment by `main` only. */
export type BuildSettings = { base: string; caFile?: string | undefined; env: Record<string, string | undefined> };
export const buildSettings = (env: Record<string, string | undefined>): BuildSettings => ({
  base: env.WINNOW_SAMPLE_BASE ?? "winnow-sample-base:bookworm",
  caFile: env.NODE_EXTRA_CA_CERTS,
  env,
});

/** The names of all samples of a directory, in alphabetical order. */
export const sampleNames = (dir: string = samplesDir): string[] =>
  readdirSync(dir)
    .filter((name) => existsSync(join(dir, name, "sample.json")))
    .sort();

export const sampleNamed = (name: string, dir: string = samplesDir): Sample => loadSample(join(dir, name));
export const imageOf = (name: string, dir: string = samplesDir): string =>
  `winnow-${dir === realDir ? "real" : "sample"}-${name}:latest`;

/**
 * Builds `winnow-sample-NAME:latest` (`winnow-real-NAME:latest` from `realDir`) and, before it, the shared layer of tools that it stands on, each only when its
 * folder or its base changed. Resolves to the image reference; rejects with the end of the build's log.
 */
export async function buildSample(
  name: string,
  docker: Docker,
  settings: BuildSettings,
  dir: string = samplesDir,
): Promise<string> {
  if (name !== fatBase) await buildSample(fatBase, docker, settings);
  const base = name === fatBase ? settings.base : imageOf(fatBase);
  const image = imageOf(name, dir);
  const files = listFiles(join(dir, name));
  const baseId = await idOf(docker, base);
  if (!baseId) throw new Error(`the base image ${base} is missing: run infra/setup.sh first`);
  const hash = hashOf(files, baseId);
  const before = await idOf(docker, image);
  if (before && (await docker.getImage(before).inspect()).Config.Labels?.[hashLabel] === hash) return image;

  const context = pack();
  for (const file of files) context.entry({ name: file.name, mode: file.mode, mtime }, file.content);
  const wantsCa = files.some((file) => file.name === "Dockerfile" && file.content.includes("build-ca.pem"));
  if (wantsCa && settings.caFile) context.entry({ name: "build-ca.pem", mtime }, readFileSync(settings.caFile));
  context.finalize();
  // tar-stream has a stream class of its own; the engine client wants one of Node
  const log = await docker.buildImage(Readable.from(context), {
    t: image,
    networkmode: "host",
    rm: true,
    forcerm: true,
    buildargs: { BASE: base, ...proxies(settings.env) },
    labels: { [hashLabel]: hash, [label]: "samples" },
  });
  await followBuild(docker, log, name);
  // What the tag named before has no name now; it may still carry the layers of a container that runs.
  if (before)
    await docker
      .getImage(before)
      .remove({ noprune: true })
      .catch(() => undefined);
  return image;
}

/** Builders predefine these arguments: no Dockerfile has to name them, and they leave no trace in the image. */
const proxies = (env: BuildSettings["env"]) =>
  Object.fromEntries(
    ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((key) => {
      const value = env[key];
      return value ? [[key, value] as const] : [];
    }),
  );

type ContextFile = { name: string; mode: number; content: Buffer };

function listFiles(dir: string): ContextFile[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "sample.json")
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({
      name: relative(dir, path),
      // git keeps no more of a mode than this, and the rest would depend on the umask
      mode: statSync(path).mode & 0o100 ? 0o755 : 0o644,
      content: readFileSync(path),
    }));
}

function hashOf(files: ContextFile[], baseId: string): string {
  const hash = createHash("sha256").update(baseId);
  for (const { name, mode, content } of files) hash.update(`\0${name}\0${mode}\0${content.length}\0`).update(content);
  return hash.digest("hex");
}

const idOf = async (docker: Docker, image: string): Promise<string | undefined> => {
  try {
    return (await docker.getImage(image).inspect()).Id;
  } catch (error) {
    if (error instanceof Error && "statusCode" in error && error.statusCode === 404) return undefined;
    throw error;
  }
};

type BuildLine = { stream?: string; error?: string };
function followBuild(docker: Docker, log: NodeJS.ReadableStream, name: string): Promise<void> {
  const tail: string[] = [];
  return new Promise((resolve, reject) => {
    const keep = (line: BuildLine) => {
      tail.push(line.error ?? line.stream ?? "");
      if (tail.length > 400) tail.shift();
    };
    docker.modem.followProgress(
      log,
      (error: Error | null, lines: BuildLine[]) => {
        const failed = error?.message ?? lines.find((line) => line.error)?.error;
        if (failed) reject(new Error(`building ${name}: ${failed}\n${tail.join("").slice(-3000)}`));
        else resolve();
      },
      keep,
    );
  });
}

/** `build.ts [--real] [--check] [NAME...]`: builds the named samples (all, when none is named), and runs their checks. */
async function main(args: string[]): Promise<void> {
  const names = args.filter((arg) => !arg.startsWith("-"));
  const docker = new Docker();
  const settings = buildSettings(process.env);
  const dir = args.includes("--real") ? realDir : samplesDir;
  for (const name of names.length ? names : sampleNames(dir)) {
    const began = Date.now();
    const image = await buildSample(name, docker, settings, dir);
    const { Size } = await docker.getImage(image).inspect();
    console.log(`${name}: ${(Size / 1e6).toFixed(0)} MB, ${((Date.now() - began) / 1000).toFixed(1)} s`);
    if (!args.includes("--check") || name === fatBase) continue;
    const { ok, steps, failures, durationMs } = await checkSample(sampleNamed(name, dir), image, docker);
    console.log(`${name}: ${ok ? "passes" : "FAILS"}, ${steps} steps, ${(durationMs / 1000).toFixed(1)} s`);
    for (const failure of failures) console.log(`  ${failure}`);
    if (!ok) process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv.slice(2));
