import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type TarEntry, tarOf } from "./files.ts";
import { layersOf, readArchive } from "./image-layers.ts";

const file = (name: string, content: string | Buffer): TarEntry => ({
  name,
  mode: 0o644,
  uid: 0,
  gid: 0,
  content: Buffer.from(content),
});

const config = JSON.stringify({ history: [{ created_by: "ADD" }, { created_by: "ENV", empty_layer: true }] });

test("reads the layers of both archive formats, compressed ones too, without what they take away", async () => {
  const first = await tarOf([{ type: "directory", name: "etc/", mode: 0o755, uid: 0, gid: 0 }, file("etc/a", "a")]);
  const second = gzipSync(await tarOf([file("./srv/.wh.gone", ""), file("srv/b", "b".repeat(100_000))]));
  const manifest = [{ Config: "c.json", Layers: ["one/layer.tar", "blobs/sha256/two", "blobs/sha256/none"] }];
  const archive = await tarOf([
    file("blobs/sha256/two", second),
    file("blobs/sha256/none", Buffer.alloc(1024)),
    file("one/layer.tar", first),
    file("one/VERSION", "1.0"),
    file("c.json", config),
    file("manifest.json", JSON.stringify(manifest)),
  ]);
  const chunks = Array.from({ length: Math.ceil(archive.length / 700) }, (_, at) =>
    archive.subarray(at * 700, at * 700 + 700),
  );
  expect(layersOf(await readArchive(Readable.from(chunks, { objectMode: false })))).toEqual({
    layers: [["/etc", "/etc/a"], ["/srv/b"], []],
    history: [
      { createdBy: "ADD", isEmpty: false },
      { createdBy: "ENV", isEmpty: true },
    ],
  });
});

test("a layer that cannot be read is named", async () => {
  const manifest = [{ Config: "c.json", Layers: ["zstd"] }];
  const zstd = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.alloc(600, 1)]);
  const archive = await tarOf([file("zstd", zstd), file("manifest.json", JSON.stringify(manifest))]);
  const read = readArchive(Readable.from([archive], { objectMode: false })).then(layersOf);
  await expect(read).rejects.toMatchObject({ code: "image.unsupported", message: expect.stringContaining("zstd") });
});

test("an archive that ends early is an error, not a short list", async () => {
  const archive = await tarOf([file("one/layer.tar", await tarOf([file("a", "x".repeat(5000))]))]);
  await expect(readArchive(Readable.from([archive.subarray(0, 2000)], { objectMode: false }))).rejects.toThrow();
});
