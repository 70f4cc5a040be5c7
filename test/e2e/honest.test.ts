import { afterAll, describe, expect, test } from "vitest";
import type { Verification } from "#contract/report.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import { type Ended, openFaultBench } from "./fault-bench.ts";
import { ballast, compileFaultApp, file } from "./fault-images.ts";

const engines = await enginesUnderTest(process.env);
const source = "honest-app.c";

/** Nobody waits a minute for what never listens; the end of what only waits is not waited for at all. */
const quick = { limits: { startMs: 1500 } };

const lines = ({ stored }: Ended) =>
  String(stored.get("files.jsonl"))
    .trimEnd()
    .split("\n")
    .map((line): { path: string; type: string; kept: boolean; reasons?: { kind: string; detail?: string }[] } =>
      JSON.parse(line),
    );

const filesOf = (ended: Ended, which: "kept" | "removed"): string[] =>
  lines(ended)
    .filter(({ type, kept }) => type === "file" && kept === (which === "kept"))
    .map(({ path }) => path);

const codesOf = ({ report }: Ended): string[] => report?.warnings.map(({ code }) => code) ?? [];

const verificationOf = ({ stored }: Ended) => JSON.parse(String(stored.get("verification.json"))) as Verification; // as the job stored it

/** What a clean-up takes away, and what it must not. */
const base = [
  ballast,
  file("usr/share/doc/tool/README", "read me\n"),
  file("usr/share/doc/tool/copyright", "mine\n"),
  file("usr/share/man/man1/tool.1", "tool\n"),
  file("var/cache/apt/pkgcache.bin", "cache\n"),
  file("usr/bin/tool", "tool\n", 0o755),
];
const cleaned = ["/usr/share/doc/tool/README", "/usr/share/man/man1/tool.1", "/var/cache/apt/pkgcache.bin"];

function expectCleaned(ended: Ended): void {
  const { report, error, left, tags } = ended;
  expect({ error, verdict: report?.verdict, left }).toEqual({ error: undefined, verdict: "not-exercised", left: [] });
  expect(filesOf(ended, "removed").filter((path) => !/^\/(?:proc|sys|dev|etc|run|\.)/.test(path))).toEqual(cleaned);
  expect(report?.verdictReason).toContain("only documents, caches and package lists");
  expect(codesOf(ended)).toContain("result.not-exercised");
  expect(tags).toHaveLength(1);
}

describe.concurrent.each(engines)("honesty on $host", (engine) => {
  const bench = openFaultBench(engine, "honest", source);
  afterAll(() => bench.close());
  const program = compileFaultApp(source);

  describe("an image that shows nothing of itself is cleaned up, and said not to be exercised", () => {
    test.each([
      ["sh", []],
      ["sleep", ["infinity"]],
    ])("when its command is %s", async (name, cmd) => {
      const files = [...base, file(`bin/${name}`, program, 0o755)];
      const image = await bench.image(cmd, { files, config: { Entrypoint: [`/bin/${name}`] } });
      expectCleaned(await bench.run(image, quick));
    });

    test("when it serves and does not answer the default probe", async () => {
      const ended = await bench.run(await bench.image(["mute"], { files: base }), quick);
      expectCleaned(ended);
      expect(codesOf(ended)).toContain("probe.unanswered");
    });

    test("also when the profile is safe, and what was asked for stays", async () => {
      const image = await bench.image(["mute"], { files: base });
      const keep = { profile: "safe" as const, includePaths: [cleaned[0] ?? ""], excludePatterns: ["/ballast"] };
      const ended = await bench.run(image, { ...quick, keep });
      expect(ended.report?.verdict).toBe("not-exercised");
      expect(filesOf(ended, "kept")).toContain(cleaned[0]);
      expect(filesOf(ended, "removed")).toContain("/ballast");
    });

    test("unless it has nothing that could be taken away", async () => {
      const { error, left } = await bench.run(await bench.image(["mute"], { files: [ballast] }), quick);
      expect({ code: error?.code, left }).toEqual({ code: "result.not-smaller", left: [] });
      expect(error?.message).toContain("Nothing exercised");
    });
  });

  test("a probe that was asked for and is not answered ends the job", async () => {
    const asked = { ...quick, scenarios: [{ probes: [{ kind: "http" as const, resource: "/" }] }] };
    const { error } = await bench.run(await bench.image(["mute"], { files: base }), asked);
    expect(error?.code).toBe("probe.failed");
  });

  test("an image that declares a port and never opens it is an error", async () => {
    const config = { Entrypoint: ["/bin/sleep"], ExposedPorts: { "8080/tcp": {} } };
    const image = await bench.image(["1d"], { files: [...base, file("bin/sleep", program, 0o755)], config });
    expect((await bench.run(image, quick)).error?.code).toBe("app.never-listened");
  });

  test("a command of unknown kind that neither listens nor ends is watched to the end of its time", async () => {
    const limits = { startMs: 1500, scenarioMs: 5000 };
    const ended = await bench.run(await bench.image(["idle"], { files: base }), { limits });
    expectCleaned(ended);
    expect(ended.report?.warnings).toContainEqual({
      code: "app.idle",
      text: expect.stringMatching(/ did not end in [5-9] s/),
    });
  });

  test("a tiny result of a command that never listened is suspicious", async () => {
    const much = file("much", Buffer.alloc(24 << 20, 7));
    const ended = await bench.run(await bench.image(["done"], { files: [much] }));
    expect(ended.report?.verdict).toBe("verified");
    expect(codesOf(ended)).toContain("result.suspicious");
  });

  test("what any of several observations used is kept, and what differed is told", async () => {
    const picks = Array.from({ length: 256 }, (_, number) => file(`pick/${number}`, `${number}\n`));
    const image = await bench.image(["pick", "/pick"], { files: [ballast, ...picks] });
    const ended = await bench.run(image, { observe: { repeat: 4 } });
    const { report, error, left } = ended;
    expect({ error, verdict: report?.verdict, left }).toEqual({ error: undefined, verdict: "verified", left: [] });
    const kept = filesOf(ended, "kept").filter((path) => path.startsWith("/pick/"));
    const { times, unsteady } = report?.observation?.repeated ?? { times: 0, unsteady: [] };
    expect(kept.length).toBeGreaterThan(1);
    expect(unsteady[0]?.paths.map(({ path }) => path).toSorted()).toEqual(kept.toSorted());
    expect(unsteady[0]?.paths.flatMap(({ runs }) => runs).toSorted()).toEqual([1, 2, 3, 4]);
    expect({ times, entries: unsteady[0]?.entries }).toEqual({ times: 4, entries: kept.length });
    expect(unsteady[0]?.ports.every(({ port, runs }) => port !== 8080 && runs.length < 4)).toBe(true);
    expect(unsteady[0]?.ports.length).toBeGreaterThan(1);
    expect(report?.observation?.warnings.map(({ code }) => code)).toContain("observation.unsteady");
  });

  describe("a repair", () => {
    const steps = Array.from({ length: 8 }, (_, number) => file(`srv/steps/${number + 1}`, `${number}\n`));

    test("brings the unit of what is missing, so that one round suffices", async () => {
      const image = await bench.image(["chain"], { files: [ballast, ...steps] });
      const ended = await bench.run(image, { keep: { profile: "safe" } });
      const { report, left } = ended;
      expect({ verdict: report?.verdict, repairs: report?.repairs, left }).toEqual({
        verdict: "repaired",
        repairs: ["/srv/steps/1"],
        left: [],
      });
      expect(verificationOf(ended).rounds.map(({ units }) => units)).toEqual([
        [{ of: "/srv/steps/1", entries: 7 }],
        [],
      ]);
      const reasons = lines(ended).find(({ path }) => path === "/srv/steps/8")?.reasons;
      expect(reasons?.[0]).toMatchObject({ kind: "repaired", detail: "unit of /srv/steps/1" });
    });

    test("is of single files in the profile exact, and ends: with the reason and what differs", async () => {
      const ended = await bench.run(await bench.image(["chain"], { files: [ballast, ...steps] }));
      const { report, left, tags } = ended;
      expect({ verdict: report?.verdict, tags, left }).toEqual({ verdict: "failed", tags: [], left: [] });
      expect(report?.repairs).toEqual(["1", "2", "3", "4"].map((step) => `/srv/steps/${step}`));
      expect(report?.verdictReason).toMatch(
        /^After 4 rounds of repair \d+ answers differ .*status was 200, is 500.*\/srv\/steps\/5$/s,
      );
    });
  });
});
