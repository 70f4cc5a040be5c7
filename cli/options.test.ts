import { describe, expect, it } from "vitest";
import { JobRequest } from "#contract/job.ts";
import { JobOptions, toJobRequest } from "./options.ts";

type Flags = Partial<JobOptions>;
const ask = (flags: Flags = {}, files: [string, string][] = []) =>
  toJobRequest("web:1", JobOptions.parse({ kind: "slim", ...flags }), new Map(files));

function faultsOf(flags: Flags, image = "web:1"): string[] {
  try {
    toJobRequest(image, JobOptions.parse({ kind: "slim", ...flags }), new Map());
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "request.invalid" });
    return thrown instanceof Error ? thrown.message.split("\n") : [];
  }
  return [];
}

describe("a request", () => {
  it("without flags is what the schema makes of the image alone", () => {
    expect(ask()).toEqual(JobRequest.parse({ image: "web:1" }));
  });

  it("survives being stored and parsed again", () => {
    expect(JobRequest.parse(JSON.parse(JSON.stringify(ask())))).toEqual(ask());
  });

  it("carries every flag", () => {
    const request = ask({
      httpProbe: false,
      httpProbeCmd: ["/a", "POST:/b"],
      exec: ["node -v", "a | b"],
      tag: ["small:1", "small:2"],
      entrypoint: "/bin/app --x",
      cmd: ['["serve", "a b"]'],
      user: "1000",
      mount: ["data:/data:ro"],
      includePath: ["/etc/app"],
      excludePattern: ["/usr/share/doc/**"],
      env: ["A=1", "B="],
      workdir: "/srv",
      network: "back",
      expose: ["8080/tcp"],
      link: ["db:db"],
      hostname: "h",
      etcHostsMap: ["x:10.0.0.1"],
      containerDns: ["1.1.1.1"],
      containerDnsSearch: ["example.org"],
      pull: true,
    });
    expect(request).toMatchObject({
      pull: "if-absent",
      tags: ["small:1", "small:2"],
      keep: { profile: "safe", includePaths: ["/etc/app"], excludePatterns: ["/usr/share/doc/**"] },
      run: {
        network: "back",
        hostname: "h",
        etcHosts: ["x:10.0.0.1"],
        dns: ["1.1.1.1"],
        dnsSearch: ["example.org"],
        links: ["db:db"],
        expose: ["8080/tcp"],
        mounts: ["data:/data:ro"],
      },
    });
    expect(request.scenarios).toMatchObject([
      {
        entrypoint: ["/bin/app", "--x"],
        cmd: ["serve", "a b"],
        env: ["A=1", "B="],
        user: "1000",
        workdir: "/srv",
        defaultProbe: false,
        probes: [
          { kind: "http", method: "GET", resource: "/a" },
          { kind: "http", method: "POST", resource: "/b" },
          { kind: "exec", argv: ["node", "-v"] },
          { kind: "exec", argv: ["sh", "-c", "a | b"] },
        ],
      },
    ]);
  });

  it("reads the probes of a command file", () => {
    const file = '{"commands": [{"protocol": "http", "method": "GET", "resource": "/c"}]}';
    expect(ask({ httpProbeCmdFile: "probes.json" }, [["probes.json", file]]).scenarios[0]?.probes).toMatchObject([
      { resource: "/c" },
    ]);
  });

  it("with a command after -- must see it exit with 0 and sends no probe of its own", () => {
    expect(ask({ command: ["python", "-c", "1 | 2"] }).scenarios).toMatchObject([
      { cmd: ["python", "-c", "1 | 2"], defaultProbe: false, finish: { kind: "command-exit" }, expectExit: 0 },
    ]);
  });

  it("with several commands is a scenario for each, and all else is the same for all", () => {
    const { scenarios } = ask({ cmd: ["serve", "migrate --check"], env: ["A=1"], lifecycle: ["restart,reload"] });
    expect(scenarios).toMatchObject([
      { name: "cmd-1", cmd: ["serve"], env: ["A=1"], lifecycle: ["restart", "reload"] },
      { name: "cmd-2", cmd: ["migrate", "--check"], env: ["A=1"], lifecycle: ["restart", "reload"] },
    ]);
  });

  it.each([
    ["probe", { kind: "probe-done" }],
    ["enter", { kind: "signal" }],
    ["signal", { kind: "signal" }],
    ["timeout", { kind: "timeout" }],
    ["quiet", { kind: "quiet", seconds: 5 }],
    ["2.5", { kind: "seconds", seconds: 2.5 }],
    [undefined, undefined],
  ])("continues after %s", (continueAfter, finish) => {
    expect(ask({ continueAfter }).scenarios[0]?.finish).toEqual(finish);
  });

  it("observes as often as it is told", () => {
    expect([ask().observe, ask({ repeatObservation: "3" }).observe]).toEqual([{ repeat: 1 }, { repeat: 3 }]);
  });

  it("observes for the 60 s that docker-slim's users know as timeout", () => {
    expect(ask({ continueAfter: "timeout" }).limits.scenarioMs).toBe(60_000);
  });
});

describe("faults", () => {
  it("are told all at once, each with its option", () => {
    const faults = faultsOf({
      env: ["A=1", "BROKEN"],
      workdir: "relative",
      httpProbeCmd: ["no-slash"],
      cmd: ["'open"],
      continueAfter: "never",
      keep: "small",
      mount: ["/only"],
      includePath: ["etc"],
    });
    const options = faults.map((fault) => fault.replace(/[: ].*/, "")).sort();
    expect(options).toEqual([
      "--cmd",
      "--continue-after",
      "--env",
      "--http-probe-cmd",
      "--include-path",
      "--keep",
      "--mount",
      "--workdir",
    ]);
    expect(faults).toContain('--env "BROKEN": write NAME=value');
  });

  it.each<[Flags, RegExp]>([
    [{ keep: "small" }, /^--keep "small": /],
    [{ continueAfter: "0" }, /^--continue-after: /],
    [{ continueAfter: "exec" }, /^--continue-after: .*--exec/],
    [{ exec: ["  "] }, /^--exec: .*empty/],
    [{ command: [] }, /^--: /],
    [{ command: ["a"], cmd: ["b"] }, /^--cmd: .*not both/],
    [{ cmd: ["a", "b"], env: ["BROKEN"] }, /^--env "BROKEN": /],
    [{ cmd: ["a", "b"], continueAfter: "signal" }, /^--continue-after: only one scenario can wait/],
    [{ repeatObservation: "6" }, /^--repeat-observation: .*5/],
    [{ repeatObservation: "often" }, /^--repeat-observation/],
    [{ lifecycle: ["restart,sleep"] }, /^--lifecycle "sleep": .*"read-only"/],
    [{ httpProbeCmdFile: "missing.json" }, /^--http-probe-cmd-file: /],
    [{ expose: ["http"] }, /^--expose "http": /],
  ])("%j is refused", (flags, message) => {
    const faults = faultsOf(flags);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(message);
  });

  it("an empty image is one", () => {
    expect(faultsOf({}, "")).toEqual([expect.stringMatching(/^IMAGE "": /)]);
  });
});
