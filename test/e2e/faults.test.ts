import { afterAll, describe, expect, test } from "vitest";
import { type ErrorCode, errors } from "#contract/error.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import { inspectImage } from "#runner/docker/images.ts";
import { refuseUnfit } from "#runner/stages/resolve.ts";
import { type Ended, openFaultBench } from "./fault-bench.ts";
import { ballast, directory, file } from "./fault-images.ts";
import { imagesFrom } from "./residue.ts";

const engines = await enginesUnderTest(process.env);

/** A directory of three directories and three files. */
const data = [
  directory("data"),
  ...["a", "b", "c"].flatMap((name) => [directory(`data/${name}.d`), file(`data/${name}`, name)]),
];
const quick = { limits: { startMs: 1500, scenarioMs: 10_000 } };

/** Every fault ends with a sentence and a way out, and leaves nothing. */
function expectFault({ error, report, left }: Ended, code: ErrorCode, message: RegExp, hint: RegExp): void {
  expect({ code: error?.code, report, left }).toEqual({ code, report: undefined, left: [] });
  expect(error?.message).toMatch(message);
  expect(error?.hint).toMatch(hint);
}

describe.concurrent.each(engines)("faults on $host", (engine) => {
  const bench = openFaultBench(engine, "faults");
  afterAll(() => bench.close());

  describe("an image that cannot be run", () => {
    test("that the engine does not have is not found", async () => {
      const ended = await bench.run("winnow-test-nowhere:1");
      expectFault(ended, "image.not-found", /no image winnow-test-nowhere:1/, /--pull/);
    });

    test("without ENTRYPOINT and CMD needs a command", async () => {
      const image = await bench.image([], { config: { Entrypoint: undefined, Cmd: undefined } });
      expectFault(await bench.run(image), "image.nothing-to-run", /neither ENTRYPOINT nor CMD/, /--entrypoint/);
    });

    test("without a single file cannot start what its config names", async () => {
      const image = await bench.image(["serve"], { isEmpty: true });
      expectFault(await bench.run(image), "app.start-failed", /could not.* start.*"\/app"/, /docker run/);
    });

    test("whose entrypoint is not there cannot start", async () => {
      const image = await bench.image([], { config: { Entrypoint: ["/nope"], Cmd: undefined } });
      expectFault(await bench.run(image), "app.start-failed", /"\/nope": No such file/, /docker run/);
    });

    test("whose user is not there cannot start", async () => {
      const image = await bench.image(["serve"], { config: { User: "nobody-there" } });
      expectFault(await bench.run(image), "app.start-failed", /unable to find user/, /docker run/);
    });

    test("whose working directory is a file cannot start", async () => {
      const image = await bench.image(["serve"], { config: { WorkingDir: "/ballast" } });
      expectFault(await bench.run(image), "app.start-failed", /ballast/, /docker run/);
    });

    test("of another architecture is refused", async () => {
      const architecture = engine.facts.architecture === "arm64" ? "amd64" : "arm64";
      const image = await bench.image(["serve"], { about: { architecture } });
      expectFault(await bench.run(image), "image.wrong-platform", new RegExp(`for linux/${architecture}`), /engine on/);
    });

    test("for Windows is refused", async () => {
      // An engine of Linux does not even load one, so only the decision is asked.
      const source = await inspectImage({ engine, signal: new AbortController().signal }, await bench.image(["serve"]));
      const decide = () => refuseUnfit({ ...source, os: "windows" }, { kind: "slim", scenarios: [] }, engine.facts);
      expect(decide).toThrow(
        expect.objectContaining({ code: "image.wrong-platform", hint: "Only Linux images can be observed." }),
      );
    });
  });

  describe("an application that cannot be measured", () => {
    test("that ends with an error is told with what it said", async () => {
      const ended = await bench.run(await bench.image(["exit", "3"]));
      expectFault(ended, "app.exited", /exit code 3, expected 0\. It wrote last: giving up/, /--env, --cmd, --network/);
    });

    test("that ends before the probes that were asked for is told so", async () => {
      const asked = { scenarios: [{ probes: [{ kind: "http" as const, resource: "/" }] }] };
      const ended = await bench.run(await bench.image(["exit", "0"]), asked);
      expectFault(ended, "app.exited", /before anything listened/, /--no-http-probe/);
    });

    test("that declares a port and never listens is told how long was waited", async () => {
      const image = await bench.image(["silent"], { config: { ExposedPorts: { "8080/tcp": {} } } });
      const ended = await bench.run(image, quick);
      expectFault(ended, "app.never-listened", /Nothing listened on a TCP port.* \d+ s/, /--exec/);
    });

    test("that closes every connection is told for each port", async () => {
      const asked = { ...quick, scenarios: [{ probes: [{ kind: "http" as const, resource: "/" }] }] };
      const ended = await bench.run(await bench.image(["hang-up"]), asked);
      expectFault(ended, "probe.failed", /:8080\/: .*closed the connection/, /speaks HTTP/);
    });

    test("that needs more memory than it may have is told so", async () => {
      const ended = await bench.run(await bench.image(["grow", "1000000"]), { limits: { memoryBytes: 32 << 20 } });
      expectFault(ended, "limit.exceeded", /more memory than its limit/, /Raise the memory limit/);
    });

    test("whose command probe is not there is told its exit code", async () => {
      const asked = { scenarios: [{ probes: [{ kind: "exec" as const, argv: ["/none"] }] }] };
      const ended = await bench.run(await bench.image(["serve"]), asked);
      expectFault(ended, "probe.failed", /exec \/none ended with exit code 127, expected 0/, /Correct the command/);
    });
  });

  describe("a request that cannot be met", () => {
    test("for a malformed tag is refused before anything runs", async () => {
      const ended = await bench.run(await bench.image(["serve"]), { tags: ["Bad:Tag:x"] });
      expectFault(ended, "request.invalid", /"Bad:Tag:x"/, /PATH\[:TAG\]/);
    });

    test("for a network that is not there names it", async () => {
      const ended = await bench.run(await bench.image(["serve"]), { run: { network: "winnow-no-such-network" } });
      expectFault(ended, "request.invalid", /winnow-no-such-network not found/, /docker network ls/);
    });
  });

  describe("a result that is not as hoped for", () => {
    test("is not smaller when there is nothing to take away", async () => {
      const ended = await bench.run(await bench.image(["exit", "0"], { files: [] }));
      expectFault(ended, "result.not-smaller", /would not be smaller: (\d+) bytes of \1/, /as it is/);
    });

    test("is verified when the command uses nothing but itself", async () => {
      const { report, left } = await bench.run(await bench.image(["exit", "0"]));
      expect({ verdict: report?.verdict, left }).toEqual({ verdict: "verified", left: [] });
      expect((report?.fat.rootfsBytes ?? 0) - (report?.slim?.rootfsBytes ?? 0)).toBe(1 << 20);
    });

    test("is verified, with a warning, when every answer is an error of the server", async () => {
      const { report, left } = await bench.run(await bench.image(["status", "500"]));
      expect({ verdict: report?.verdict, left }).toEqual({ verdict: "verified", left: [] });
      expect(report?.warnings).toContainEqual(expect.objectContaining({ code: "probe.not-exercised" }));
    });

    test("is verified when the original does not answer alike twice either", async () => {
      const { report, left } = await bench.run(await bench.image(["random"]));
      expect({ verdict: report?.verdict, left }).toEqual({ verdict: "verified", left: [] });
    });

    test("is repaired with a file that only the slim image looks for", async () => {
      const image = await bench.image(["wants", "/extra", "/data", "3"], {
        files: [ballast, file("extra", "x"), ...data],
      });
      const { report, left } = await bench.run(image);
      expect({ verdict: report?.verdict, repairs: report?.repairs, left }).toEqual({
        verdict: "repaired",
        repairs: ["/extra"],
        left: [],
      });
    });

    test("is repaired with what a listing does not show any more", async () => {
      const { report, left } = await bench.run(await bench.image(["count", "/data"], { files: [ballast, ...data] }));
      expect({ verdict: report?.verdict, repairs: report?.repairs.length, left }).toEqual({
        verdict: "repaired",
        repairs: 6,
        left: [],
      });
    });

    test("that nothing explains has failed, and no image of it is left", async () => {
      const image = await bench.image(["links", "/data"], { files: [ballast, file("other", ""), ...data] });
      const { report, left, tags } = await bench.run(image);
      expect({ verdict: report?.verdict, tags, left }).toEqual({ verdict: "failed", tags: [], left: [] });
      expect(report?.verdictReason).toMatch(/"5", is .*"2"/);
      expect(await imagesFrom(engine, image)).toEqual([]);
    });

    test("has failed when an exclude pattern takes what is needed, and a warning names it", async () => {
      const image = await bench.image(["file", "/extra"], { files: [ballast, file("extra", "x")] });
      const { report, left } = await bench.run(image, { keep: { excludePatterns: ["/extra"] } });
      expect({ verdict: report?.verdict, left }).toEqual({ verdict: "failed", left: [] });
      expect(report?.warnings).toContainEqual({ code: "exclude.needed", text: expect.stringContaining(": /extra.") });
      expect(await imagesFrom(engine, image)).toEqual([]);
    });

    test("has failed when an exclude pattern takes what its user is looked up in", async () => {
      const files = [ballast, directory("etc"), file("etc/passwd", "app:x:7:7::/:/none\n")];
      const image = await bench.image(["serve"], { files, config: { User: "app" } });
      const { report, error, left } = await bench.run(image, { keep: { excludePatterns: ["/etc/passwd"] } });
      expect({ error, verdict: report?.verdict, left }).toEqual({ error: undefined, verdict: "failed", left: [] });
    });

    test("warns of an include path that nothing matches, and of ONBUILD", async () => {
      const notes: string[] = [];
      const progress = (event: { kind: string; text?: string }) =>
        void (event.kind === "note" && notes.push(event.text ?? ""));
      const image = await bench.image(["serve"], { config: { OnBuild: ["RUN true"] } });
      const { report, left } = await bench.run(image, { keep: { includePaths: ["/never/**"] } }, { progress });
      expect({ verdict: report?.verdict, left }).toEqual({ verdict: "verified", left: [] });
      expect(report?.warnings).toContainEqual(expect.objectContaining({ code: "include.matches-nothing" }));
      expect(notes.join()).toMatch(/1 ONBUILD/);
    });
  });

  test("two jobs on one image at once do not meet", async () => {
    const image = await bench.image(["serve"]);
    const both = await Promise.all([bench.run(image), bench.run(image, { tags: [image.replace(":", ".other:")] })]);
    expect(both.map(({ report, left }) => ({ verdict: report?.verdict, left }))).toEqual([
      { verdict: "verified", left: [] },
      { verdict: "verified", left: [] },
    ]);
    const ids = await Promise.all(
      both.map(({ tags: [tag = ""] }) => inspectImage({ engine, signal: new AbortController().signal }, tag)),
    );
    expect(ids[0]?.id).toBe(ids[1]?.id);
  });

  test("every exit code of the catalogue is one that the command line documents", () => {
    expect([...new Set(Object.values(errors).map(({ exit }) => exit))].sort((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 130,
    ]);
  });
});
