import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256 } from "./source.ts";
import { LayerSpool } from "./spool.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "winnow-spool-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

test.each([
  [0, 0],
  [999, 0],
  [1000, 0],
  [1001, 1],
  [50_000, 1],
])("%i bytes with room for 1000 in memory make %i files, and come back twice", async (size, files) => {
  const content = Buffer.from(Array.from({ length: size }, (_byte, at) => (at * 7) % 251));
  const spool = new LayerSpool(directory, 1000);
  const chunks = Array.from({ length: Math.ceil(size / 333) }, (_chunk, at) =>
    content.subarray(at * 333, (at + 1) * 333),
  );
  await pipeline(Readable.from(chunks, { objectMode: false }), spool);
  const layer = await spool.layer();
  expect(layer).toMatchObject({ digest: sha256(content), bytes: size });
  expect(readdirSync(directory).length).toBe(files);
  for (let time = 0; time < 2; time += 1) expect((await buffer(layer.open())).equals(content)).toBe(true);
  await spool.dispose();
  await spool.dispose();
  expect(readdirSync(directory)).toEqual([]);
});

test("a writer may use its buffer again", async () => {
  const spool = new LayerSpool(directory);
  const scratch = Buffer.from("first ");
  await new Promise((resolve) => spool.write(scratch, resolve));
  scratch.write("second");
  spool.end(scratch);
  expect(await buffer((await spool.layer()).open())).toEqual(Buffer.from("first second"));
  await spool.dispose();
});

test("a full disk is told as such, and nothing stays", async () => {
  // /dev/full has no room by definition, but a spool makes its own file: the error of the write is put in its place.
  const spool = new LayerSpool(directory, 10);
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  spool.destroy(full);
  await expect(spool.layer()).rejects.toMatchObject({ code: "ENOSPC" });
  await spool.dispose();
  expect(readdirSync(directory)).toEqual([]);
});

test("a directory that cannot be made is an error of writer and layer alike", async () => {
  const file = join(directory, "file");
  writeFileSync(file, "");
  const spool = new LayerSpool(file, 10);
  const writing = pipeline(Readable.from([Buffer.alloc(100)], { objectMode: false }), spool);
  await expect(writing).rejects.toMatchObject({ code: "EEXIST" });
  await expect(spool.layer()).rejects.toMatchObject({ code: "EEXIST" });
  await spool.dispose();
});
