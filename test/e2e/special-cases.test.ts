import { afterAll, describe, expect, test } from "vitest";
import type { Verification } from "#contract/report.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import type { TarEntry } from "#runner/docker/files.ts";
import { inspectImage } from "#runner/docker/images.ts";
import { type Ended, expectVerified, openFaultBench } from "./fault-bench.ts";
import { ballast, directory, file } from "./fault-images.ts";

const engines = await enginesUnderTest(process.env);

/** What `GET /` answered in each proof. */
function answersOf({ stored }: Ended): Record<string, string[]> {
  const { fatAnswers, slimAnswers, bare } = JSON.parse(String(stored.get("verification.json"))) as Verification; // as the job stored it
  const bodies = (answers: typeof fatAnswers) =>
    answers.filter(({ probe }) => probe.kind === "http").map(({ bodySample }) => bodySample);
  return { fat: bodies(fatAnswers), slim: bodies(slimAnswers), bare: bodies(bare?.answers ?? []) };
}

/** Verified without one repair, with this answer in all three proofs, and nothing left behind. */
function expectAnswer(ended: Ended, answer: string): void {
  expectVerified(ended);
  expect(answersOf(ended)).toEqual({ fat: [answer], slim: [answer], bare: [answer] });
}

/** Everything that the slim image holds, from `files.jsonl`. */
function keptPaths({ stored }: Ended): string[] {
  const lines = String(stored.get("files.jsonl")).trimEnd().split("\n");
  const entries = lines.map((line): { path: string; kept: boolean } => JSON.parse(line));
  return entries.filter(({ kept }) => kept).map(({ path }) => path);
}

/** A directory with a mode and an owner of its own. */
const ownedBy = (name: string, uid: number, mode: number): TarEntry => ({ ...directory(name), uid, gid: uid, mode });

describe.concurrent.each(engines)("special cases on $host", (engine) => {
  const bench = openFaultBench(engine, "special", "special-app.c");
  afterAll(() => bench.close());

  test.each(["overwrite", "consume"])(
    "a file that the run does this to is kept as the image has it: %s",
    async (what) => {
      const image = await bench.image([what, "/queue"], { files: [ballast, file("queue", "original\n")] });
      expectAnswer(await bench.run(image), "original\n");
    },
  );

  test("pid file, lock and socket of the run are not in the image, their directory is, with mode and owner", async () => {
    const files = [ballast, directory("run"), ownedBy("run/app", 7, 0o2771), ownedBy("tmp", 0, 0o1777)];
    const image = await bench.image(["daemon", "/run/app"], { files, config: { User: "7" } });
    const ended = await bench.run(image);
    expectAnswer(ended, "fresh 2771 of 7\n");
    expect(keptPaths(ended)).toEqual(expect.arrayContaining(["/run", "/run/app", "/tmp"]));
    expect(keptPaths(ended).filter((path) => path.startsWith("/run/app/"))).toEqual([]);
  });

  test("the stale pid file of an image is there for the application that looks at it", async () => {
    const files = [ballast, directory("run"), directory("run/app"), file("run/app/app.pid", "4711\n")];
    expectAnswer(await bench.run(await bench.image(["daemon", "/run/app"], { files })), "stale 755 of 0\n");
  });

  const users = [
    directory("etc"),
    file("etc/passwd", "root:x:0:0::/root:/none\napp:x:7:8::/home/app:/none\n"),
    file("etc/group", "root:x:0:\napp:x:8:\nmill:x:9:app\nbarn:x:10:root,app\n"),
    directory("home"),
    ownedBy("home/app", 7, 0o700),
  ];

  test("a user keeps further groups, home directory and the right to write there", async () => {
    const config = { User: "app" };
    const image = await bench.image(["identity", "/home/app/x"], { files: [ballast, ...users], config });
    expectAnswer(await bench.run(image), "7:8 9=mill 10=barn /home/app written\n");
  });

  test("a user by number, in no list, may write to what belongs to it and to nothing else", async () => {
    const files = [ballast, ownedBy("data", 4711, 0o755), ...users];
    const config = { User: "4711:4712" };
    const own = await bench.image(["identity", "/data/x"], { files, config });
    expectAnswer(await bench.run(own), "4711:4712 ? written\n");
    const others = await bench.image(["identity", "/home/app/x"], { files, config });
    expectAnswer(await bench.run(others), "4711:4712 ? refused\n");
  });

  test("labels of 100 KB are on the slim image as they were", async () => {
    const label = `{"bom":"${"x".repeat(100_000)}"}`;
    const config = { Labels: { "io.buildpacks.build.metadata": label } };
    const image = await bench.image(["overwrite", "/queue"], { files: [ballast, file("queue", "x\n")], config });
    const { report, tags } = await bench.run(image);
    expect(report?.verdict).toBe("verified");
    const made = await inspectImage({ engine, signal: new AbortController().signal }, tags[0] ?? "");
    expect(made.config.Labels?.["io.buildpacks.build.metadata"]).toBe(label);
  });

  test("an image that is slim already is left as it is", async () => {
    const image = await bench.image(["overwrite", "/queue"], { files: [ballast, file("queue", "x\n")] });
    const { tags } = await bench.run(image);
    const { error, left } = await bench.run(tags[0] ?? "");
    expect({ code: error?.code, left }).toEqual({ code: "result.not-smaller", left: [] });
  });
});
