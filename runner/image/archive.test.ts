import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { extract } from "tar-stream";
import { describe, expect, test } from "vitest";
import { composeImage, type Layer, slimConfig, writeArchive } from "./archive.ts";
import { chainIdOf, ImageConfig, readSource, type SourceImage, sha256 } from "./source.ts";

const layerBytes = Buffer.from("not really a tar");
const layer: Layer = {
  digest: sha256(layerBytes),
  bytes: layerBytes.length,
  open: () => Readable.from([layerBytes], { objectMode: false }),
};
const [one, two, three] = ["a", "b", "c"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string, string]; // three of three

const full = {
  User: "node:node",
  ExposedPorts: { "8080/tcp": {}, "53/udp": {} },
  Env: ["PATH=/bin", "EMPTY=", "TWO WORDS=a=b c"],
  Entrypoint: ["/entry.sh"],
  Cmd: ["serve", "--port", "8080"],
  Volumes: { "/data": {} },
  WorkingDir: "/app",
  Labels: { "org.opencontainers.image.title": "schön <b>" },
  StopSignal: "SIGQUIT",
  StopTimeout: 0,
  Healthcheck: { Test: ["CMD-SHELL", "curl -f localhost"], Interval: 5_000_000_000, Retries: 3 },
  Shell: ["/bin/bash", "-c"],
  OnBuild: ["RUN make"],
  ArgsEscaped: true,
  FutureField: { anything: [1, 2] },
};

function aSource(more: Partial<SourceImage> = {}): SourceImage {
  return {
    reference: "app:1",
    id: one,
    configDigest: one,
    diffIds: [one, two],
    chainId: chainIdOf([one, two]),
    os: "linux",
    architecture: "arm64",
    variant: "v8",
    created: "2024-02-03T04:05:06.789Z",
    config: ImageConfig.parse(full),
    history: [],
    ...more,
  };
}

describe("the config of the slim image", () => {
  test("has every field of the source and one label more", () => {
    expect(slimConfig(aSource())).toEqual({
      ...full,
      Labels: { ...full.Labels, "dev.winnow.source": chainIdOf([one, two]) },
    });
  });

  test("has labels of any length as they are", () => {
    const long = `{"bom":"${"x".repeat(100_000)}"}`;
    const config = ImageConfig.parse({ Labels: { "io.buildpacks.build.metadata": long } });
    const parts = composeImage(aSource(), slimConfig(aSource({ config })), layer);
    expect(JSON.parse(String(parts.config)).config.Labels["io.buildpacks.build.metadata"]).toBe(long);
  });

  test("has nothing that engines record about containers or leave unset", () => {
    const config = ImageConfig.parse({
      Hostname: "0123",
      Image: one,
      Tty: true,
      AttachStdout: false,
      Env: null,
      Cmd: [],
      User: "",
      OnBuild: null,
      Volumes: {},
    });
    expect(slimConfig(aSource({ config }))).toEqual({ Labels: { "dev.winnow.source": chainIdOf([one, two]) } });
  });

  test("of an image that was slimmed before names the newer source", () => {
    const config = { Labels: { "dev.winnow.source": three } };
    expect(slimConfig(aSource({ config })).Labels).toEqual({ "dev.winnow.source": chainIdOf([one, two]) });
  });
});

describe("the identity of an image", () => {
  test("depends on nothing but source and layer: these digests must never change", () => {
    const parts = composeImage(aSource(), slimConfig(aSource()), layer);
    expect(parts.configDigest).toBe(sha256(parts.config));
    expect(parts.manifestDigest).toBe(sha256(parts.manifest));
    expect([parts.configDigest, parts.manifestDigest]).toMatchInlineSnapshot(`
      [
        "sha256:27db4ce77d06b6021201a546f874ad810a59d35c1fb130192acee86b8dc10ec9",
        "sha256:6b2a9c953f53a01611252e4a3f2a7767a96f2c58c36a39e350e13e4bab60eeea",
      ]
    `);
    expect(JSON.parse(parts.config.toString())).toEqual({
      created: "2024-02-03T04:05:06.789Z",
      architecture: "arm64",
      variant: "v8",
      os: "linux",
      config: slimConfig(aSource()),
      rootfs: { type: "layers", diff_ids: [layer.digest] },
      history: [{ created: "2024-02-03T04:05:06.789Z", created_by: "winnow", comment: expect.any(String) }],
    });
  });

  test("is the same whatever the order in which an engine gives the fields", () => {
    const turned = Object.fromEntries(Object.entries(full).reverse());
    const other = aSource({ config: ImageConfig.parse(turned) });
    expect(composeImage(other, slimConfig(other), layer).config).toEqual(
      composeImage(aSource(), slimConfig(aSource()), layer).config,
    );
  });

  test("is another for another layer, variable or platform", () => {
    const digests = [
      composeImage(aSource(), slimConfig(aSource()), layer),
      composeImage(aSource(), slimConfig(aSource()), { ...layer, digest: three }),
      composeImage(aSource(), { ...slimConfig(aSource()), Env: ["PATH=/sbin"] }, layer),
      composeImage(aSource({ variant: undefined }), slimConfig(aSource()), layer),
    ].map((parts) => parts.manifestDigest);
    expect(new Set(digests).size).toBe(4);
  });
});

async function readTar(archive: Readable): Promise<Map<string, { type: string; content: string }>> {
  const entries = extract();
  archive.pipe(entries);
  const found = new Map<string, { type: string; content: string }>();
  for await (const entry of entries) {
    const { name, uid, gid, mtime, type } = entry.header;
    expect([uid, gid, mtime?.getTime()]).toEqual([0, 0, 0]);
    found.set(name.replace(/\/$/, ""), { type: type ?? "file", content: await text(entry) });
  }
  return found;
}

describe("the archive", () => {
  const parts = composeImage(aSource(), slimConfig(aSource()), layer);
  const path = (digest: string): string => `blobs/sha256/${digest.slice(7)}`;

  test("is an OCI layout and a docker save archive in one", async () => {
    const found = await readTar(writeArchive(parts, ["app.slim:1", "registry:5000/team/app"]));
    const json = (name: string): unknown => JSON.parse(found.get(name)?.content ?? "null");
    expect([...found.keys()].sort()).toEqual(
      [
        "blobs",
        "blobs/sha256",
        "index.json",
        "manifest.json",
        "oci-layout",
        path(layer.digest),
        path(parts.configDigest),
        path(parts.manifestDigest),
      ].sort(),
    );
    expect(json("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
    const descriptor = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: parts.manifestDigest,
      size: parts.manifest.length,
    };
    expect(json("index.json")).toEqual({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [
        {
          ...descriptor,
          annotations: {
            "io.containerd.image.name": "docker.io/library/app.slim:1",
            "org.opencontainers.image.ref.name": "1",
          },
        },
        {
          ...descriptor,
          annotations: {
            "io.containerd.image.name": "registry:5000/team/app:latest",
            "org.opencontainers.image.ref.name": "latest",
          },
        },
      ],
    });
    expect(json("manifest.json")).toEqual([
      {
        Config: path(parts.configDigest),
        RepoTags: ["app.slim:1", "registry:5000/team/app:latest"],
        Layers: [path(layer.digest)],
      },
    ]);
    expect(json(path(parts.manifestDigest))).toEqual({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: parts.configDigest,
        size: parts.config.length,
      },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer.digest, size: layer.bytes }],
    });
    for (const [name, { content, type }] of found)
      if (type === "file" && name.startsWith("blobs/")) expect(path(sha256(content))).toBe(name);
  });

  test("is the same bytes each time", async () => {
    const first = await buffer(writeArchive(parts, ["app:1"]));
    expect((await buffer(writeArchive(parts, ["app:1"]))).equals(first)).toBe(true);
  });

  test("fails when the layer does", async () => {
    const broken = { ...parts, layer: { ...layer, open: () => Readable.from(failing(), { objectMode: false }) } };
    await expect(buffer(writeArchive(broken, ["app:1"]))).rejects.toThrow("bad disk");
    const short = { ...parts, layer: { ...layer, bytes: layer.bytes + 1 } };
    await expect(buffer(writeArchive(short, ["app:1"]))).rejects.toThrow();
  });

  async function* failing(): AsyncGenerator<Buffer> {
    yield layerBytes.subarray(0, 4);
    throw new Error("bad disk");
  }
});

describe("what an engine says about an image", () => {
  const inspected = {
    Id: three,
    Os: "linux",
    Architecture: "amd64",
    Variant: "",
    Created: "2024-02-03T04:05:06.789Z",
    Config: { ...full, Hostname: "", Domainname: "", AttachStdin: false, Image: "" },
    RootFS: { Type: "layers", Layers: [one, two] },
  };
  const history = [
    { Id: three, Created: 1706933106, CreatedBy: 'CMD ["x"]', Size: 0, Comment: "", Tags: ["app:1"] },
    { Id: "<missing>", Created: -62135596800, CreatedBy: "ADD file:x in /", Size: 77, Comment: "first", Tags: null },
  ];

  test("becomes the same data from either image store but for its names", () => {
    const graph = readSource("app:1", inspected, history, { storage: "overlay2" });
    const containerd = readSource("app:1", inspected, history, { storage: "containerd" });
    expect(graph.configDigest).toBe(three);
    expect(containerd).toEqual({ ...graph, configDigest: null });
    expect(graph).toEqual({
      reference: "app:1",
      id: three,
      configDigest: three,
      diffIds: [one, two],
      chainId: chainIdOf([one, two]),
      os: "linux",
      architecture: "amd64",
      created: "2024-02-03T04:05:06.789Z",
      config: full,
      history: [
        { created: 0, createdBy: "ADD file:x in /", size: 77, comment: "first", empty: false },
        { created: 1706933106000, createdBy: 'CMD ["x"]', size: 0, comment: "", empty: true },
      ],
    });
  });

  test("may say next to nothing", () => {
    const bare = readSource("app", { Id: one, Created: "0001-01-01T00:00:00Z", Config: null, RootFS: {} }, [], {
      storage: "overlay2",
    });
    expect(bare).toMatchObject({ diffIds: [], config: {}, history: [], os: "", chainId: sha256("") });
    expect(bare.created).toBeUndefined();
  });

  test("the chain id is the image-spec's", () => {
    expect(chainIdOf([one])).toBe(one);
    expect(chainIdOf([one, two, three])).toBe(sha256(`${sha256(`${one} ${two}`)} ${three}`));
  });
});
