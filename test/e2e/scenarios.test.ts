import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Report, type Verification } from "#contract/report.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import { buildCommandLine, runWinnow } from "./command-line.ts";
import { type Ended, expectVerified, openFaultBench } from "./fault-bench.ts";
import { ballast, directory, file } from "./fault-images.ts";

const engines = await enginesUnderTest(process.env);

/** What each run answered, by the scenario's name: the body of `GET /`, or what the command wrote. */
function answersOf({ stored }: Ended, which: "fatAnswers" | "slimAnswers" | "bare"): Record<string, string> {
  const verification = JSON.parse(String(stored.get("verification.json"))) as Verification; // as the job stored it
  const answers = which === "bare" ? (verification.bare?.answers ?? []) : verification[which];
  const told = answers.filter(
    ({ probe, target }) => probe.kind === "http" || (target === "command" && probe.kind === "exec"),
  );
  return Object.fromEntries(
    told.filter(({ bodySample }) => bodySample !== "").map((one) => [one.scenario, one.bodySample]),
  );
}

/** Paths of the files that the slim image holds, from `files.jsonl`. */
const keptFiles = ({ stored }: Ended): string[] => keptOf(String(stored.get("files.jsonl")));

function keptOf(filesList: string): string[] {
  const lines = filesList.trimEnd().split("\n");
  const entries = lines.map((line): { path: string; type: string; kept: boolean } => JSON.parse(line));
  return entries.filter(({ type, kept }) => kept && type === "file").map(({ path }) => path);
}

/** Verified without one repair: what the runs needed, they had shown. */
function expectAnswers(ended: Ended, answers: Record<string, string>): void {
  expectVerified(ended);
  for (const which of ["fatAnswers", "slimAnswers", "bare"] as const)
    expect({ which, ...answersOf(ended, which) }).toEqual({ which, ...answers });
}

const named = (...names: string[]) => names.map((name) => file(name, `${name}\n`));

describe.concurrent.each(engines)("scenarios on $host", (engine) => {
  const bench = openFaultBench(engine, "scenarios", "life-app.c");
  afterAll(() => bench.close());

  test("several: each is observed and verified, and the image holds what any of them used", async () => {
    const image = await bench.image(["environment"], { files: [ballast, ...named("a", "b", "unused")] });
    const ended = await bench.run(image, {
      scenarios: [
        { name: "service" },
        { name: "one", cmd: ["print", "/a"], expectExit: 0 },
        { name: "two", cmd: ["print", "/b"], expectExit: 0 },
        { name: "fails", cmd: ["print", "/none"], expectExit: 1 },
      ],
    });
    expectAnswers(ended, { service: "hello\n", one: "a\n", two: "b\n" });
    expect(keptFiles(ended)).toEqual(["/a", "/app", "/b"]);
    expect(ended.report?.observation?.scenarios).toMatchObject([
      { name: "service", ports: [8080] },
      { name: "one", exitCode: 0 },
      { name: "two", exitCode: 0 },
      { name: "fails", exitCode: 1 },
    ]);
  });

  test("several: one whose command fails ends the job, and its name is told", async () => {
    const { error, left } = await bench.run(await bench.image(["print", "/ballast"]), {
      scenarios: [{ name: "good" }, { name: "bad", cmd: ["print", "/none"] }],
    });
    expect({ code: error?.code, message: error?.message, left }).toEqual({
      code: "app.exited",
      message: expect.stringContaining('"bad"'),
      left: [],
    });
  });

  test("restart: the second start finds the volumes of the first", async () => {
    const image = await bench.image(["once", "/data"], {
      files: [ballast, directory("data"), ...named("first", "second")],
      config: { Volumes: { "/data": {} } },
    });
    const plain = await bench.run(image);
    expect(keptFiles(plain)).toEqual(["/app", "/first"]);
    const before = await volumeNames();
    const ended = await bench.run(image, { scenarios: [{ lifecycle: ["restart"] }] });
    expectAnswers(ended, { default: "hello\nfirst\n", "default.restart": "hello\nsecond\n" });
    expect(keptFiles(ended)).toEqual(["/app", "/first", "/second"]);
    expect(ended.report?.warnings.map(({ code }) => code)).not.toContain("lifecycle.no-volume");
    expect((await volumeNames()).filter((name) => /^[0-9a-f]{64}$/.test(name) && !before.includes(name))).toEqual([]);
  });

  test("restart: without any volume a warning says that nothing was found again", async () => {
    const image = await bench.image(["once", "/data"], { files: [ballast, directory("data"), ...named("first")] });
    const ended = await bench.run(image, { scenarios: [{ lifecycle: ["restart"] }] });
    expectAnswers(ended, { default: "hello\nfirst\n", "default.restart": "hello\nfirst\n" });
    expect(ended.report?.warnings).toContainEqual(expect.objectContaining({ code: "lifecycle.no-volume" }));
  });

  test("reload: what only a SIGHUP reads is kept, and the service still answers", async () => {
    const image = await bench.image(["config"], { files: [ballast, ...named("config-1", "config-2")] });
    const ended = await bench.run(image, { scenarios: [{ lifecycle: ["reload"] }] });
    expectAnswers(ended, { default: "hello\nconfig-1\n", "default.reload": "hello\nconfig-2\n" });
    expect(keptFiles(ended)).toEqual(["/app", "/config-1", "/config-2"]);
  });

  test("timezone and locale: the files of another zone and language are kept", async () => {
    const files = [ballast, directory("zone"), directory("zone/Asia"), directory("lang")];
    const image = await bench.image(["environment"], {
      files: [...files, file("zone/Asia/Kathmandu", "+0545\n"), file("lang/de_DE.UTF-8", "hallo\n")],
    });
    const ended = await bench.run(image, { scenarios: [{ name: "web", lifecycle: ["timezone", "locale"] }] });
    expectAnswers(ended, { web: "hello\n", "web.timezone": "hello\n+0545\n", "web.locale": "hello\nhallo\n" });
    expect(keptFiles(ended)).toEqual(["/app", "/lang/de_DE.UTF-8", "/zone/Asia/Kathmandu"]);
  });

  test("read-only: what the service does without a root that it can write is observed and verified", async () => {
    const image = await bench.image(["writes", "/state"], { files: [ballast, ...named("writable", "read-only")] });
    const ended = await bench.run(image, { scenarios: [{ lifecycle: ["read-only"] }] });
    expectAnswers(ended, { default: "hello\nwritable\n", "default.read-only": "hello\nread-only\n" });
    expect(keptFiles(ended)).toEqual(["/app", "/read-only", "/writable"]);
  });

  test("read-only: /tmp and /run can be written", async () => {
    const image = await bench.image(["writes", "/run/state"], {
      files: [ballast, directory("run"), ...named("writable", "read-only")],
    });
    const ended = await bench.run(image, { scenarios: [{ lifecycle: ["read-only"] }] });
    expectAnswers(ended, { default: "hello\nwritable\n", "default.read-only": "hello\nwritable\n" });
  });

  test("an original that does not stand a lifecycle probe is a warning, and its slim image is held to the same", async () => {
    const image = await bench.image(["writes-or-dies", "/state"], { files: [ballast, ...named("writable")] });
    const ended = await bench.run(image, { scenarios: [{ lifecycle: ["read-only"] }] });
    expectAnswers(ended, { default: "hello\nwritable\n", "default.read-only": "cannot write\n" });
    expect(ended.report?.warnings).toContainEqual({
      code: "lifecycle.failed",
      text: expect.stringMatching(/^default\.read-only: .*exit code 3/),
    });
  });

  test("HEALTHCHECK: its files are kept, and it must pass on the slim image", async () => {
    const image = await bench.image(["environment"], {
      files: [ballast, ...named("healthy")],
      config: { Healthcheck: { Test: ["CMD", "/app", "check", "/healthy"] } },
    });
    const ended = await bench.run(image);
    expectAnswers(ended, { default: "hello\n" });
    expect(keptFiles(ended)).toEqual(["/app", "/healthy"]);
    expect(healthCodes(ended)).toEqual({ fat: [0], slim: [0], bare: [0] });

    const broken = await bench.run(image, { keep: { excludePatterns: ["/healthy"] } });
    expect(broken.report).toMatchObject({
      verdict: "failed",
      verdictReason: expect.stringContaining("healthcheck: exit was 0, is 1"),
    });
  });

  test("HEALTHCHECK: one that passes only at its second try is healthy", async () => {
    const image = await bench.image(["environment"], {
      files: [ballast, ...named("healthy")],
      config: { Healthcheck: { Test: ["CMD", "/app", "late", "/healthy"], Interval: 2e8 } },
    });
    const ended = await bench.run(image);
    expectAnswers(ended, { default: "hello\n" });
    expect(healthCodes(ended)).toEqual({ fat: [0], slim: [0], bare: [0] });
  });

  test("HEALTHCHECK: one that the original fails is a warning", async () => {
    const image = await bench.image(["environment"], {
      config: { Healthcheck: { Test: ["CMD", "/app", "check", "/none"], Interval: 1e8, Retries: 2 } },
    });
    const ended = await bench.run(image);
    expectAnswers(ended, { default: "hello\n" });
    expect(healthCodes(ended)).toEqual({ fat: [1], slim: [1], bare: [1] });
    expect(ended.report?.warnings).toContainEqual(expect.objectContaining({ code: "healthcheck.failed" }));
  });

  test("HEALTHCHECK: a command that ends has none", async () => {
    const image = await bench.image(["print", "/ballast"], {
      files: [ballast, ...named("text")],
      config: { Healthcheck: { Test: ["CMD", "/app", "check", "/none"] } },
    });
    const finish = { kind: "command-exit" as const };
    const ended = await bench.run(image, { scenarios: [{ cmd: ["print", "/text"], finish, expectExit: 0 }] });
    expectAnswers(ended, { default: "text\n" });
    expect(healthCodes(ended)).toEqual({ fat: [], slim: [], bare: [] });
  });

  describe("on the command line", () => {
    const statePath = mkdtempSync(join(tmpdir(), "winnow-scenarios-"));
    beforeAll(buildCommandLine);
    afterAll(() => rmSync(statePath, { recursive: true, force: true }));

    const slimmed = async (image: string, args: string[]) => {
      const tag = `${image}-by-command-line`;
      bench.remember(tag);
      const { code, stdout } = await runWinnow([...args, "--json", "--tag", tag], {
        statePath,
        host: engine.host,
      });
      if (code !== 0) return { code, report: undefined, kept: [] };
      const report = Report.parse(JSON.parse(stdout));
      const files = await runWinnow(["report", report.job.id, "--files", "kept", "--json"], {
        statePath,
        host: engine.host,
      });
      return { code, report, kept: keptOf(files.stdout) };
    };

    test("a job file's scenarios are run and verified", async () => {
      const image = await bench.image(["config"], { files: [ballast, ...named("config-1", "config-2", "text")] });
      const path = join(statePath, "job.yaml");
      writeFileSync(
        path,
        `image: ${image}
scenarios:
  - name: service
    probes: [{http: GET:/items}, {exec: /app print /config-1}]
    lifecycle: [reload]
  - {name: print, cmd: print /text}
keep: {profile: exact}
`,
      );
      const { code, report, kept } = await slimmed(image, ["slim", "-f", path]);
      expect({ code, verdict: report?.verdict, repairs: report?.repairs }).toEqual({
        code: 0,
        verdict: "verified",
        repairs: [],
      });
      expect(report?.observation?.scenarios.map(({ name, answers }) => [name, answers])).toEqual([
        ["service", 4],
        ["service.reload", 4],
        ["print", 1],
      ]);
      expect(kept).toEqual(["/app", "/config-1", "/config-2", "/text"]);
    });

    test("a wrong job file is told with its lines, and nothing is run", async () => {
      const path = join(statePath, "wrong.yaml");
      writeFileSync(path, "image: x\nscenarios:\n  - cmd: a\n    envv: {}\n");
      expect(await runWinnow(["slim", "-f", path], { statePath, host: engine.host })).toEqual({
        code: 2,
        stdout: "",
        stderr: expect.stringContaining(`error: ${path}:4:5: scenarios[0].envv: is not a key`),
      });
    });

    test("--cmd given several times is a scenario for each, that must end with 0", async () => {
      const image = await bench.image(["environment"], { files: [ballast, ...named("one", "two")] });
      const { code, report, kept } = await slimmed(image, [
        "slim",
        image,
        "--keep",
        "exact",
        "--cmd",
        "print /one",
        "--cmd",
        "print /two",
      ]);
      expect({ code, verdict: report?.verdict, kept }).toEqual({
        code: 0,
        verdict: "verified",
        kept: ["/app", "/one", "/two"],
      });
      const failed = await slimmed(image, ["slim", image, "--cmd", "print /one", "--cmd", "print /none"]);
      expect(failed).toMatchObject({ code: 1 });
    });
  });

  async function volumeNames(): Promise<string[]> {
    const { Volumes } = await engine.docker.listVolumes();
    return Volumes.map(({ Name }) => Name);
  }
});

/** Exit codes of the HEALTHCHECK in each proof. */
function healthCodes({ stored }: Ended) {
  const { fatAnswers, slimAnswers, bare } = JSON.parse(String(stored.get("verification.json"))) as Verification; // as the job stored it
  const codes = (answers: typeof fatAnswers) =>
    answers.filter(({ target }) => target === "healthcheck").map(({ exitCode }) => exitCode);
  return { fat: codes(fatAnswers), slim: codes(slimAnswers), bare: codes(bare?.answers ?? []) };
}
