import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pack } from "tar-stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { WinnowError } from "#contract/error.ts";
import { JobRequest } from "#contract/job.ts";
import { startAttached, withContainer } from "../docker/container.ts";
import { depsFor, enginesUnderTest, loadTestImage, testLabels } from "../docker/engine-under-test.ts";
import { type TarEntry, tarOf } from "../docker/files.ts";
import { inspectImage, removeImage } from "../docker/images.ts";
import { leftovers } from "../docker/sweep.ts";
import type { SourceImage } from "../image/source.ts";
import { discard, type PackSession, publish, rebuild } from "./rebuild.ts";
import { refuseUnfit, resolve } from "./resolve.ts";

const engines = await enginesUnderTest(process.env);
const name = `winnow-test-rebuild-${process.pid}`;
const reference = `${name}:1`;
const nothing = { containers: [], networks: [], volumes: [], images: [] };

const file = { mode: 0o755, uid: 0, gid: 0 };
const kept: TarEntry[] = [{ name: "bin/busybox", ...file, content: readFileSync("/bin/busybox") }];
const packing = (content: Buffer, result: object = {}): PackSession => ({
  async pack(paths, sink: Writable) {
    for (let at = 0; at < content.length; at += 100_000) {
      if (!sink.write(content.subarray(at, at + 100_000))) await new Promise((drained) => sink.once("drain", drained));
    }
    return { entries: [...paths].length, bytes: content.length, missing: 0, damaged: 0, problems: [], ...result };
  },
});

describe.each(engines)("rebuilding on $host", (engine) => {
  let tmpDir: string;
  let source: SourceImage;
  let session: PackSession;
  const deps = () => ({ ...depsFor(engine), tmpDir });
  beforeAll(async () => {
    session = packing(await tarOf(kept));
    const files = [...kept, { name: "bin/unused", ...file, content: Buffer.alloc(100_000, "x") }];
    const config = {
      Entrypoint: ["/bin/busybox"],
      Cmd: ["echo", "works"],
      Env: ["A=b c"],
      User: "7:8",
      ExposedPorts: { "80/tcp": {} },
    };
    source = await loadTestImage(depsFor(engine), reference, files, config);
  });
  afterAll(() => removeImage({ engine }, reference));
  beforeEach(() => {
    tmpDir = mkdtempSync(join(tmpdir(), "winnow-rebuild-"));
  });
  afterEach(() => {
    expect(readdirSync(tmpDir)).toEqual([]);
    rmSync(tmpDir, { recursive: true });
  });

  test("the image runs before it has any name of the user's, and has them after it is published", async () => {
    const job = deps();
    const slim = await rebuild({ source, paths: ["/bin/busybox"], tags: [] }, session, job);
    expect(slim.tags).toEqual([`${name}.slim:1`]);
    expect([slim.configDigest, slim.manifestDigest]).toContain(slim.engineId);
    await expect(inspectImage(job, `${name}.slim:1`)).rejects.toMatchObject({ code: "image.not-found" });
    expect((await leftovers(engine, job.jobId)).images).toEqual([slim.reference]);
    const out = await withContainer(job, { Image: slim.engineId, Labels: testLabels }, async (container) => {
      const { stdout, stderr } = await startAttached(container, { stdin: false, tty: false });
      stderr.resume();
      return text(stdout);
    });
    expect(out).toBe("works\n");

    await publish(slim, job);
    await publish(slim, job);
    const published = await inspectImage(job, `${name}.slim:1`);
    expect(published).toMatchObject({
      id: slim.engineId,
      diffIds: [slim.diffId],
      created: source.created,
      architecture: source.architecture,
    });
    expect(published.config).toEqual({
      ...source.config,
      Labels: { ...testLabels, "dev.winnow.source": source.chainId },
    });
    expect(await leftovers(engine, job.jobId)).toEqual(nothing);
    await removeImage({ engine }, `${name}.slim:1`);
    await expect(inspectImage(job, slim.engineId)).rejects.toMatchObject({ code: "image.not-found" });
  });

  test("two jobs with the same keep set make one image, and discarding one leaves the other", async () => {
    const jobs = [deps(), deps()] as const;
    const input = { source, paths: ["/bin/busybox"], tags: [`${name}.mine`] };
    const [one, two] = await Promise.all(jobs.map((job) => rebuild(input, session, job)));
    expect({ ...one, reference: "" }).toEqual({ ...two, reference: "" });
    await discard({ reference: one?.reference ?? "" }, jobs[0]);
    expect((await inspectImage(jobs[1], two?.reference ?? "")).id).toBe(one?.engineId);
    await discard({ reference: two?.reference ?? "" }, jobs[1]);
    await discard({ reference: two?.reference ?? "" }, jobs[1]);
    for (const job of jobs) expect(await leftovers(engine, job.jobId)).toEqual(nothing);
  });

  test("a published tag moves from the image that had it", async () => {
    const job = deps();
    const tags = [`${name}.moved:1`, `${name}.also`];
    const first = await rebuild({ source, paths: [], tags }, session, job);
    await publish(first, job);
    const other = packing(await tarOf([...kept, { name: "etc/more", ...file, content: Buffer.from("1") }]));
    const second = await rebuild({ source, paths: [], tags, round: 1 }, other, job);
    await publish(second, job);
    for (const tag of tags) expect((await inspectImage(job, tag)).id).toBe(second.engineId);
    expect(second.engineId).not.toBe(first.engineId);
    await removeImage({ engine }, first.engineId);
    for (const tag of tags) await removeImage({ engine }, tag);
  });

  const kinds: [string, string, () => Promise<PackSession>][] = [
    ["a kept path that is not there", "fidelity.lost", async () => packing(await tarOf(kept), { missing: 1 })],
    [
      "a file that was cut",
      "fidelity.lost",
      async () => packing(await tarOf(kept), { damaged: 1, problems: [{ reason: "shrunk", path: "/x" }] }),
    ],
    [
      "a sensor that failed",
      "observation.incomplete",
      async () => ({ pack: () => Promise.reject(new WinnowError("observation.incomplete", "x", "x")) }),
    ],
  ];
  test.each(kinds)("%s fails the rebuild and leaves nothing", async (_what, code, broken) => {
    const job = deps();
    await expect(rebuild({ source, paths: ["/x"], tags: [] }, await broken(), job)).rejects.toMatchObject({ code });
    expect(await leftovers(engine, job.jobId)).toEqual(nothing);
  });

  test("a layer that was cut short is never loaded", async () => {
    const job = deps();
    const cut = packing((await tarOf(kept)).subarray(0, 512 * 40));
    await expect(rebuild({ source, paths: [], tags: [] }, cut, job)).rejects.toThrow("ends within an entry");
    expect(await leftovers(engine, job.jobId)).toEqual(nothing);
  });

  test("a layer that the engine cannot unpack is its error, at the latest when a container is made", async () => {
    const job = deps();
    const dangling = pack();
    dangling.entry({ name: "bin/link", type: "link", linkname: "bin/nowhere" });
    dangling.finalize();
    const bad = packing(await buffer(dangling));
    // The containerd image store unpacks when the image is first used, the other one when it is loaded.
    const use = async (): Promise<void> => {
      const slim = await rebuild({ source, paths: [], tags: [] }, bad, job);
      try {
        await withContainer(job, { Image: slim.engineId, Labels: testLabels }, async () => {});
      } finally {
        await discard(slim, job);
      }
    };
    await expect(use()).rejects.toMatchObject({ code: "docker.failed" });
    expect(await leftovers(engine, job.jobId)).toEqual(nothing);
  });

  test.each(["Upper", `app@sha256:${"0".repeat(64)}`, "a b"])(
    "the name %s is refused before anything is made",
    async (tag) => {
      const never: PackSession = { pack: () => Promise.reject(new Error("packed")) };
      await expect(rebuild({ source, paths: [], tags: [tag] }, never, deps())).rejects.toMatchObject({
        code: "request.invalid",
      });
    },
  );

  test("an abort between packing and loading leaves nothing", async () => {
    const job = deps();
    const aborted: PackSession = {
      async pack(paths, sink) {
        const packed = await session.pack(paths, sink);
        job.abort();
        return packed;
      },
    };
    await expect(rebuild({ source, paths: [], tags: [] }, aborted, job)).rejects.toMatchObject({
      code: "job.canceled",
    });
    expect(await leftovers(engine, job.jobId)).toEqual(nothing);
  });

  test("an abort while the engine loads leaves nothing", async () => {
    const job = deps();
    const big = packing(await tarOf([...kept, { name: "big", ...file, content: Buffer.alloc(40 << 20, "big") }]));
    const aborted: PackSession = {
      async pack(paths, sink) {
        const packed = await big.pack(paths, sink);
        setTimeout(() => job.abort(), 60);
        return packed;
      },
    };
    await expect(rebuild({ source, paths: [], tags: [] }, aborted, job)).rejects.toMatchObject({
      code: "job.canceled",
    });
    expect(await leftovers(engine, job.jobId)).toEqual(nothing);
  });

  const asked = JobRequest.parse({ image: reference });

  test("a source is found by name, by id and by a short id", async () => {
    for (const image of [reference, `docker.io/library/${reference}`, source.id, source.id.slice(7, 27)]) {
      expect(await resolve({ ...asked, image }, deps())).toEqual({ ...source, reference: image });
    }
  });

  test("a source that is absent is an error with the way out, a malformed name another", async () => {
    await expect(resolve({ ...asked, image: "winnow-test:nowhere" }, deps())).rejects.toMatchObject({
      code: "image.not-found",
      hint: expect.stringContaining("--pull"),
    });
    await expect(resolve({ ...asked, image: "Not A Name" }, deps())).rejects.toMatchObject({ code: "request.invalid" });
    await expect(resolve({ ...asked, tags: ["Not A Name"] }, deps())).rejects.toMatchObject({
      code: "request.invalid",
    });
    const keep = { ...asked.keep, excludePatterns: ["/a/[b"] };
    await expect(resolve({ ...asked, keep }, deps())).rejects.toMatchObject({
      code: "request.invalid",
      message: expect.stringContaining("/a/[b"),
    });
  });

  test("an image of another architecture may be looked at and not run", async () => {
    const foreign = `${name}.foreign:1`;
    await loadTestImage(deps(), foreign, kept, { Cmd: ["x"] }, { architecture: "s390x" });
    await expect(resolve({ ...asked, image: foreign }, deps())).rejects.toMatchObject({ code: "image.wrong-platform" });
    expect((await resolve({ ...asked, image: foreign, kind: "info" }, deps())).architecture).toBe("s390x");
    await removeImage({ engine }, foreign);
  });
});

describe("an image that cannot be run", () => {
  const facts = { os: "linux", architecture: "amd64" } as never; // the rest of the facts is not looked at
  const image = (more: object): SourceImage =>
    ({ reference: "app", os: "linux", architecture: "amd64", config: {}, ...more }) as never; // likewise
  const job = (scenario: object = {}): never =>
    ({ kind: "slim", scenarios: [{ name: "default", ...scenario }] }) as never;

  test.each([
    ["no command at all", {}, {}, "image.nothing-to-run"],
    ["a CMD that the scenario's empty one replaces", { config: { Cmd: ["x"] } }, { cmd: [] }, "image.nothing-to-run"],
    [
      "a CMD that goes with the scenario's ENTRYPOINT",
      { config: { Cmd: ["x"] } },
      { entrypoint: [] },
      "image.nothing-to-run",
    ],
    ["Windows", { os: "windows", config: { Cmd: ["x"] } }, {}, "image.wrong-platform"],
    ["another machine", { architecture: "arm64", config: { Cmd: ["x"] } }, {}, "image.wrong-platform"],
  ])("%s is refused", (_what, more, scenario, code) => {
    expect(() => refuseUnfit(image(more), job(scenario), facts)).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    ["CMD", { config: { Cmd: ["x"] } }, {}],
    ["ENTRYPOINT", { config: { Entrypoint: ["x"] } }, {}],
    ["ENTRYPOINT with an empty command", { config: { Entrypoint: ["x"], Cmd: ["y"] } }, { cmd: [] }],
    ["a command of the scenario", {}, { cmd: ["x"] }],
    ["an entrypoint of the scenario", {}, { entrypoint: ["x"] }],
  ])("%s is enough", (_what, more, scenario) => {
    expect(() => refuseUnfit(image(more), job(scenario), facts)).not.toThrow();
  });
});
