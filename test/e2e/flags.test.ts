import type { Readable } from "node:stream";
import { extract } from "tar-stream";
import { afterAll, describe, expect, test } from "vitest";
import type { FileLine } from "#contract/graph.ts";
import type { Engine } from "#runner/docker/engine.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import { tarOf } from "#runner/docker/files.ts";
import { inspectImage } from "#runner/docker/images.ts";
import { sourceLabel } from "#runner/image/archive.ts";
import type { ImageConfig } from "#runner/image/source.ts";
import { type Ended, expectVerified, openFaultBench } from "./fault-bench.ts";
import { ballast, directory, faultLabel, file } from "./fault-images.ts";

const engines = await enginesUnderTest(process.env);

const named = (...names: string[]) => names.map((name) => file(name, `${name}\n`));

const linesOf = ({ stored }: Ended): FileLine[] =>
  String(stored.get("files.jsonl"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as FileLine); // as the job stored it

const keptFiles = (ended: Ended): string[] =>
  linesOf(ended).flatMap(({ path, type, kept }) => (kept && type === "file" ? [path] : []));

const bodies = ({ stored }: Ended, which: "fatAnswers" | "slimAnswers"): string[] => {
  const verification: Record<typeof which, { bodySample: string }[]> = JSON.parse(
    String(stored.get("verification.json")),
  );
  return verification[which].map((answer) => answer.bodySample).filter((body) => body !== "");
};

/** The config of the slim image as the engine has it, without the labels of ours. */
async function configOf(engine: Engine, { tags }: Ended): Promise<ImageConfig> {
  const { config } = await inspectImage({ engine, signal: new AbortController().signal }, tags[0] ?? "");
  const ours = [sourceLabel, ...Object.keys(faultLabel)];
  const labels = Object.entries(config.Labels ?? {}).filter(([name]) => !ours.includes(name));
  return { ...config, Labels: Object.fromEntries(labels) };
}

/** Owner and mode of a file of an image, as the engine unpacked it. */
async function ownerOf(engine: Engine, image: string, path: string): Promise<string> {
  const container = await engine.docker.createContainer({ Image: image, Labels: faultLabel });
  try {
    const entries = extract();
    ((await container.getArchive({ path })) as Readable).pipe(entries); // an http.IncomingMessage
    let told = "";
    for await (const entry of entries) {
      const { uid, gid, mode = 0, pax } = entry.header;
      // What no header can hold stands in a record, which tar-stream hands on as it is.
      const large = (pax ?? {}) as { gid?: string };
      told = `${(mode & 0o7777).toString(8)} ${uid}:${large.gid ?? gid}`;
      entry.resume();
    }
    return told;
  } finally {
    await container.remove({ force: true });
  }
}

describe.each(engines)("flags on $host", (engine) => {
  const bench = openFaultBench(engine, "flags", "life-app.c");
  afterAll(() => bench.close());

  test("an edited config is tried on the original, and is all that differs", async () => {
    const files = [ballast, directory("zone"), directory("lang"), file("zone/one", "one\n"), file("lang/two", "two\n")];
    const config = {
      Env: ["TZ=one", "A=1"],
      ExposedPorts: { "9/tcp": {} },
      Labels: { old: "1" },
      StopSignal: "SIGINT",
    };
    const ended = await bench.run(await bench.image(["environment"], { files, config }), {
      output: {
        env: ["LANG=two"],
        removeEnv: ["TZ"],
        expose: ["8080"],
        removeExpose: ["9"],
        labels: ["new=2"],
        removeLabels: ["old"],
        volumes: ["/made/here"],
        workdir: "/lang",
      },
    });
    expectVerified(ended);
    expect(bodies(ended, "fatAnswers")).toEqual(["hello\ntwo\n"]);
    expect(bodies(ended, "slimAnswers")).toEqual(["hello\ntwo\n"]);
    expect(keptFiles(ended)).toEqual(["/app", "/lang/two"]);
    expect(await configOf(engine, ended)).toEqual({
      Entrypoint: ["/app"],
      Cmd: ["environment"],
      Env: ["A=1", "LANG=two"],
      ExposedPorts: { "8080/tcp": {} },
      Labels: { new: "2" },
      StopSignal: "SIGINT",
      Volumes: { "/made/here": {} },
      WorkingDir: "/lang",
    });
  });

  test("a new command is what is observed, and one of the run stays when that is asked for", async () => {
    const image = await bench.image(["environment"], { files: [ballast, ...named("a", "b")] });
    const edited = await bench.run(image, { scenarios: [{ expectExit: 0 }], output: { cmd: ["print", "/a"] } });
    expectVerified(edited);
    expect([keptFiles(edited), (await configOf(engine, edited)).Cmd]).toEqual([
      ["/a", "/app"],
      ["print", "/a"],
    ]);
    const scenarios = [{ cmd: ["print", "/b"], expectExit: 0 }];
    const kept = await bench.run(image, { scenarios, output: { keepOverrides: ["cmd"] } });
    expectVerified(kept);
    expect([keptFiles(kept), (await configOf(engine, kept)).Cmd]).toEqual([
      ["/app", "/b"],
      ["print", "/b"],
    ]);
    const plain = await bench.run(image, { scenarios });
    expect((await configOf(engine, plain)).Cmd).toEqual(["environment"]);
  });

  test("rules add what was not used, say so, and set owners; excludes say what they took", async () => {
    const files = [
      ballast,
      directory("srv"),
      ...named("a", "srv/x", "srv/y", "srv/z.md"),
      file("tool", "#!/app\n", 0o755),
    ];
    const image = await bench.image(["print", "/a"], { files, config: { WorkingDir: "/srv", Env: ["PATH=/"] } });
    const ended = await bench.run(image, {
      scenarios: [{ expectExit: 0 }],
      keep: {
        includeWorkdir: true,
        includeExes: ["tool", "nothing"],
        pathPerms: [{ path: "/srv/x", mode: 0o4711, uid: 7, gid: 3_000_000 }],
        excludePatterns: ["*.md", "/none/**"],
        readFrom: { "--include-exe nothing": "exes.txt:2" },
      },
    });
    expectVerified(ended);
    expect(keptFiles(ended)).toEqual(["/a", "/app", "/srv/x", "/srv/y", "/tool"]);
    const lines = new Map(linesOf(ended).map((line) => [line.path, line]));
    expect(lines.get("/tool")?.reasons).toEqual([{ path: "/tool", kind: "pinned", by: "--include-exe tool" }]);
    expect(lines.get("/srv/z.md")?.excluded).toBe("*.md");
    expect(ended.report?.excluded).toEqual([
      { pattern: "*.md", entries: 1, bytes: 9 },
      { pattern: "/none/**", entries: 0, bytes: 0 },
    ]);
    expect(ended.report?.warnings.map(({ text }) => text)).toEqual([
      "The rule --include-exe nothing (exes.txt:2) stands for nothing in the image.",
      'No entry of the image matches the exclude pattern "/none/**".',
    ]);
    const [tag = ""] = ended.tags;
    expect(await ownerOf(engine, tag, "/srv/x")).toBe("4711 7:3000000");
    expect(await ownerOf(engine, tag, "/srv/y")).toBe("644 0:0");
  });

  test("the last layers are kept whole, and nothing of the others for their sake", async () => {
    const base = await bench.image(["print", "/a"], { files: [ballast, ...named("a", "base")] });
    const container = await engine.docker.createContainer({ Image: base, Labels: faultLabel });
    const reference = `winnow-test-flags-layers-${process.pid}:1`;
    bench.remember(reference);
    try {
      await container.putArchive(await tarOf(named("one", "two")), { path: "/" });
      const [repo, tag] = reference.split(":");
      await container.commit({ repo, tag });
    } finally {
      await container.remove({ force: true });
    }
    const scenarios = [{ expectExit: 0 }];
    const last = await bench.run(reference, { scenarios, keep: { includeLastLayers: 1 } });
    expectVerified(last);
    expect(keptFiles(last)).toEqual(["/a", "/app", "/one", "/two"]);
    const reasons = linesOf(last).find(({ path }) => path === "/one")?.reasons;
    expect(reasons).toEqual([{ path: "/one", kind: "pinned", by: "--include-last-image-layers 1" }]);
    const app = await bench.run(reference, { scenarios, keep: { includeAppImage: {} } });
    expect(keptFiles(app)).toEqual(["/a", "/app", "/one", "/two"]);
  });

  test("a pattern that cannot be read ends the job before anything runs", async () => {
    const started: string[] = [];
    const { error, left } = await bench.run(
      await bench.image(["print", "/a"]),
      { keep: { pathPerms: [{ path: "/a/{b", mode: 0o644 }] } },
      { progress: (event) => void (event.kind === "stage" && started.push(event.stage)) },
    );
    expect({ code: error?.code, left, started: [...new Set(started)] }).toEqual({
      code: "request.invalid",
      left: [],
      started: ["resolve"],
    });
  });

  test("without its HEALTHCHECK the image is neither asked for it nor has it", async () => {
    const config = { Healthcheck: { Test: ["CMD", "/app", "check", "/healthy"] } };
    const image = await bench.image(["environment"], { files: [ballast, ...named("healthy")], config });
    const ended = await bench.run(image, { keep: { includeHealthcheck: false } });
    expectVerified(ended);
    expect(keptFiles(ended)).toEqual(["/app"]);
    expect(await configOf(engine, ended)).not.toHaveProperty("Healthcheck");
    expect(ended.report?.warnings.map(({ code }) => code)).toEqual(["output.no-healthcheck"]);
  });
});
