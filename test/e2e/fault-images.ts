import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Engine } from "#runner/docker/engine.ts";
import { type TarEntry, tarOf } from "#runner/docker/files.ts";
import { inspectImage, loadImage } from "#runner/docker/images.ts";
import { composeImage, writeArchive } from "#runner/image/archive.ts";
import type { ImageConfig, SourceImage } from "#runner/image/source.ts";
import { LayerSpool } from "#runner/image/spool.ts";

/** Everything that the fault tests leave on an engine has this label: slim images have it from their source. */
export const faultLabel = { "dev.winnow.test": "faults" };

/** The program of a C file of this folder, static, so that an image needs nothing else. */
export function compileFaultApp(sourceName = "fault-app.c"): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "winnow-faults-"));
  try {
    const program = join(directory, "app");
    const source = join(import.meta.dirname, sourceName);
    execFileSync("musl-gcc", ["-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
    return readFileSync(program);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const owned = { uid: 0, gid: 0 };
export const file = (name: string, content: string | Buffer, mode = 0o644): TarEntry => ({
  name,
  mode,
  ...owned,
  content: Buffer.from(content),
});
export const directory = (name: string): TarEntry => ({ type: "directory", name, mode: 0o755, ...owned });

/** A file that nothing uses, so that there is something to take away. */
export const ballast = file("ballast", Buffer.alloc(1 << 20, 7));

type Made = { files: readonly TarEntry[]; config: ImageConfig; about?: Partial<SourceImage> };

/** Loads an image of one layer under `reference`. Without `about` it fits the engine. */
export async function loadFaultImage(
  engine: Engine,
  reference: string,
  { files, config, about }: Made,
): Promise<SourceImage> {
  const deps = { engine, signal: new AbortController().signal };
  const spool = new LayerSpool(tmpdir());
  try {
    await pipeline(Readable.from([await tarOf(files)]), spool);
    const { architecture, os } = engine.facts;
    const facts = { created: "2024-02-03T04:05:06Z", architecture, os, ...about };
    const parts = composeImage(facts, { ...config, Labels: { ...config.Labels, ...faultLabel } }, await spool.layer());
    await loadImage(deps, writeArchive(parts, [reference]));
    return await inspectImage(deps, reference);
  } finally {
    await spool.dispose();
  }
}
