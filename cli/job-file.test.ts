import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { projectRoot } from "#api/root.ts";
import { JobRequest, Limits, Run, Scenario } from "#contract/job.ts";
import { readJobFile, requestOfFile } from "./job-file.ts";
import { JobOptions } from "./options.ts";

const read = (text: string, beside: Partial<Parameters<typeof readJobFile>[2]> = {}) =>
  readJobFile(text, "job.yaml", { kind: "slim", tags: [], pull: false, ...beside });

/** The faults of a text, each as it is printed. */
function faultsOf(text: string): string[] {
  try {
    read(text);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "request.invalid" });
    return thrown instanceof Error ? thrown.message.split("\n") : [];
  }
  return [];
}

describe("a job file", () => {
  it("that names an image alone is the request of the image alone", () => {
    expect(read("image: web:1")).toEqual(JobRequest.parse({ image: "web:1" }));
  });

  it("says what to keep and how the image's config differs", () => {
    const request = read(`
      image: a
      keep:
        exes: [psql]
        shell: minimal
        appImage: true
        certificates: bundles
        zoneinfo: false
        permissions: ["/srv:750#1#2"]
      output: {cmd: serve 'a b', env: {A: 1}, expose: [80], labels: [x=y], removeEnv: [B], keepOverrides: [user]}
    `);
    expect(request).toMatchObject({
      keep: {
        includeExes: ["psql"],
        includeShell: "minimal",
        includeAppImage: { startGroup: 0 },
        includeCertificates: "bundles",
        includeZoneinfo: false,
        pathPerms: [{ path: "/srv", mode: 0o750, uid: 1, gid: 2 }],
      },
      output: { cmd: ["serve", "a b"], env: ["A=1"], expose: ["80"], labels: ["x=y"], removeEnv: ["B"] },
    });
    expect(JobRequest.parse(request)).toEqual(request);
  });

  it.each([
    ["keep:\n  exclude: [/b, /a]\n  include: [/a]", "job.yaml:3:17: keep.exclude[1]: --include-path /a asks to keep"],
    ["keep:\n  permissions:\n    - /a:755\n    - /a:700", "job.yaml:5:7: keep.permissions[1]: /a:700 contradicts"],
    ["keep:\n  permissions: [/a:999]", 'job.yaml:3:17: keep.permissions[0]: "999" is no octal mode.'],
    ["output:\n  removeEnv: [A]\n  env: {A: 1}", "job.yaml:3:15: output.removeEnv[0]: A is to be added and"],
    ["keep:\n  shell: zsh", "job.yaml:3:10: keep.shell: "],
    ["keep:\n  exe: [a]", 'job.yaml:3:3: keep.exe: is not a key that is known here (did you mean "exes"?)'],
  ])("tells the line of rules that contradict or mean nothing: %j", (rules, message) => {
    expect(() => read(`image: a\n${rules}\n`)).toThrow(message);
  });

  it("carries what a request has, each in the form that people write", () => {
    const request = read(`
      image: shop:1
      pull: always
      tags: [shop:small]
      keep: {profile: exact, include: [/srv/**], exclude: ["*.md"]}
      run: {network: back, expose: [8080, 53/udp], mounts: ["data:/data"]}
      observe: {repeat: 2}
      limits: {memory: 512MiB, disk: 2147483648B, cpus: 1.5, start: 90s, scenario: 10m, probe: 5}
      scenarios:
        - name: web
          entrypoint: [/entry]
          cmd: serve "a b"
          user: 1000
          probes:
            - http: POST:/items
            - http: {resource: /x, method: put, headers: {accept: text/html}, body: "{}", port: 8080}
            - http: {resource: /y, headers: ["accept: text/css"]}
            - tcp: 6379
            - tcp: {port: 25, send: "QUIT\\r\\n"}
            - exec: psql -c 'select 1'
            - exec: cat /a | wc
            - exec: [ls, /]
            - exec: {command: ls /none, expectExit: 2}
          finish: {quiet: 1.5s}
          lifecycle: [restart, read-only]
    `);
    expect(request).toMatchObject({
      image: "shop:1",
      pull: "always",
      tags: ["shop:small"],
      keep: { profile: "exact", includePaths: ["/srv/**"], excludePatterns: ["*.md"] },
      run: { network: "back", expose: ["8080", "53/udp"], mounts: ["data:/data"] },
      observe: { repeat: 2 },
      limits: {
        memoryBytes: 512 * 2 ** 20,
        diskBytes: 2 * 2 ** 30,
        cpus: 1.5,
        startMs: 90_000,
        scenarioMs: 600_000,
        probeMs: 5000,
      },
    });
    expect(request.scenarios).toMatchObject([
      {
        name: "web",
        entrypoint: ["/entry"],
        cmd: ["serve", "a b"],
        user: "1000",
        finish: { kind: "quiet", seconds: 1.5 },
        lifecycle: ["restart", "read-only"],
      },
    ]);
    expect(request.scenarios[0]?.probes).toMatchObject([
      { kind: "http", method: "POST", resource: "/items" },
      { kind: "http", method: "PUT", resource: "/x", headers: [["accept", "text/html"]], body: "{}", port: 8080 },
      { kind: "http", method: "GET", resource: "/y", headers: [["accept", "text/css"]] },
      { kind: "tcp", port: 6379 },
      { kind: "tcp", port: 25, send: "QUIT\r\n" },
      { kind: "exec", argv: ["psql", "-c", "select 1"] },
      { kind: "exec", argv: ["sh", "-c", "cat /a | wc"] },
      { kind: "exec", argv: ["ls", "/"] },
      { kind: "exec", argv: ["ls", "/none"], expectExit: 2 },
    ]);
  });

  it("of the documentation has every key, and is right", () => {
    const page = readFileSync(join(projectRoot(), "docs/job-file.md"), "utf8");
    const example = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? "";
    expect(read(example)).toMatchObject({
      image: "registry.example.org/shop:1.4",
      scenarios: [{}, { name: "migrate" }],
    });
    const { scenarios, run, limits } = parse(example);
    const keys = scenarios.flatMap((scenario: object) => Object.keys(scenario));
    expect([...new Set(keys)].sort()).toEqual(Object.keys(Scenario.shape).sort());
    expect(Object.keys(run).sort()).toEqual(Object.keys(Run.shape).sort());
    expect(Object.keys(limits).length).toBe(Object.keys(Limits.shape).length);
  });

  it.each([
    ["crawl: true", { crawl: { maxDepth: 3 } }],
    ["crawl: false", { crawl: undefined }],
    ["crawl: {maxDepth: 1, maxTime: 5s, maxBytes: 1MiB}", { crawl: { maxDepth: 1, maxMs: 5000, maxBytes: 2 ** 20 } }],
    ["apiSpecs: true", { apiSpecs: { wellKnown: true, documents: [] } }],
    [
      "apiSpecs: {documents: [/openapi.json, {resource: /v2.json, prefix: /v2}], mutating: true}",
      {
        apiSpecs: {
          documents: [{ resource: "/openapi.json" }, { resource: "/v2.json", prefix: "/v2" }],
          mutating: true,
          wellKnown: false,
        },
      },
    ],
  ])("looks for more requests by %s", (line, expected) => {
    expect(read(`image: a\nscenarios: [{${line}}]`).scenarios[0]).toMatchObject(expected);
  });

  it("may be JSON, indented by tabs", () => {
    expect(read('{\n\t"image": "web:1",\n\t"scenarios": [{"cmd": ["a"]}]\n}').scenarios[0]?.cmd).toEqual(["a"]);
  });

  it("gives an environment as it is spelt, not as YAML reads numbers", () => {
    const { scenarios } = read(
      "image: a\nscenarios: [{env: {V: 1.10, M: 0755, E: 1e3, B: yes, T: true, S: '', A: x=y}}]",
    );
    expect(scenarios[0]?.env).toEqual(["V=1.10", "M=0755", "E=1e3", "B=yes", "T=true", "S=", "A=x=y"]);
  });

  it("may say a thing once and use it again", () => {
    const { scenarios } = read(
      "image: a\nscenarios:\n- {name: a, env: &env {A: 1.0}, probes: &p [{http: /}]}\n- {name: b, env: *env, probes: *p}",
    );
    expect(scenarios[1]).toMatchObject({ env: ["A=1.0"], probes: [{ resource: "/" }] });
  });

  it.each([
    ["probe-done", { kind: "probe-done" }],
    ["command-exit", { kind: "command-exit" }],
    ["quiet", { kind: "quiet", seconds: 5 }],
    ["30s", { kind: "seconds", seconds: 30 }],
    ["30", { kind: "seconds", seconds: 30 }],
    ["{quiet: 2m}", { kind: "quiet", seconds: 120 }],
  ])("finishes by %s", (finish, expected) => {
    expect(read(`image: a\nscenarios: [{finish: ${finish}}]`).scenarios[0]?.finish).toEqual(expected);
  });
});

describe("faults", () => {
  it("are told all at once, each with its line and column", () => {
    const text = `imge: shop
scenarios:
  - name: Web
    env: [BROKEN]
    prbes: []
    probes:
      - htp: /x
      - http: nothing
      - http: {resource: 5, prot: 1}
      - {http: /a, tcp: 5}
      - exec: "'open"
    workdir: rel
    finish: soon
  - name: b
    cmd:
limits: {memory: lots, cpus: two}
keep: tidy
`;
    expect(faultsOf(text)).toEqual([
      'job.yaml:1:1: imge: is not a key that is known here (did you mean "image"?)',
      'job.yaml:3:11: scenarios[0].name: write at most 41 lower-case letters, digits and dashes, not "Web"',
      'job.yaml:4:11: scenarios[0].env[0]: write NAME=value, not "BROKEN"',
      'job.yaml:5:5: scenarios[0].prbes: is not a key that is known here (did you mean "probes"?)',
      'job.yaml:7:9: scenarios[0].probes[0].htp: is not a key that is known here (did you mean "http"?)',
      expect.stringMatching(/^job\.yaml:8:15: scenarios\[0\]\.probes\[1\]\.http: .*"nothing": it has no resource/),
      "job.yaml:9:26: scenarios[0].probes[2].http.resource: must be a text, not 5",
      expect.stringMatching(/^job\.yaml:9:29: scenarios\[0\]\.probes\[2\]\.http\.prot: is not a key/),
      "job.yaml:10:9: scenarios[0].probes[3]: write one of http, tcp and exec in each item of the list",
      expect.stringMatching(/^job\.yaml:11:15: scenarios\[0\]\.probes\[4\]\.exec: a single quote .* does not end/),
      expect.stringMatching(/^job\.yaml:12:14: scenarios\[0\]\.workdir: .*, not "rel"$/),
      expect.stringMatching(/^job\.yaml:13:13: scenarios\[0\]\.finish: write probe-done, .*, not "soon"$/),
      "job.yaml:15:9: scenarios[1].cmd: write a command line, or a list of words; nothing stands here",
      expect.stringMatching(/^job\.yaml:16:18: limits\.memory: write a size .*, not "lots"$/),
      'job.yaml:16:30: limits.cpus: must be a number, not "two"',
      'job.yaml:17:7: keep: must be a map, not "tidy"',
    ]);
  });

  it.each([
    ["", /^job\.yaml:1:1: must be a map/],
    ["- image: a", /^job\.yaml:1:1: must be a map/],
    ["tags: []", /^job\.yaml:1:1: image: is missing$/],
    ["image: a\nimage: b", /^job\.yaml:2:1: Map keys must be unique/],
    ["image: a\n---\nimage: b", /^job\.yaml:2:1: a second document/],
    ["image: *a", /^job\.yaml:1:8: \*a: no &a/],
    ["image: a\nrun:\n\tnetwork: b", /^job\.yaml:3:1: Tabs/],
    ["image: a\nkeep: {profile: safest}", /^job\.yaml:2:17: keep\.profile: .*"exact".*, not "safest"$/],
    [
      "image: a\nscenarios: [{name: a}, {name: a}]",
      /^job\.yaml:2:31: scenarios\[1\]\.name: two scenarios are named "a"$/,
    ],
    ["image: a\nscenarios: [{}, {}]", /^job\.yaml:2:17: scenarios\[1\]\.name: two scenarios are named "default"$/],
    ["image: a\nscenarios: []", /^job\.yaml:2:12: scenarios: /],
    ["image: a\nscenarios: [{env: {'A=B': 1}}]", /^job\.yaml:2:\d+: scenarios\[0\]\.env\.A=B: /],
    ["image: a\nscenarios: [{env: {A: [1]}}]", /^job\.yaml:2:23: scenarios\[0\]\.env\.A: write a text or a number$/],
    ["image: a\nscenarios: [{probes: [{http: {resource: /, headers: {'a b': c}}}]}]", /headers\.a b: is no header/],
    ["image: a\nscenarios: [{lifecycle: [sleep]}]", /^job\.yaml:2:26: scenarios\[0\]\.lifecycle\[0\]: .*"restart"/],
    ["image: a\nlimits: {start: 5 parsecs}", /^job\.yaml:2:17: limits\.start: write a time .*, not "5 parsecs"$/],
    ["image: a\nscenarios: [{crawl: {maxDept: 1}}]", /^job\.yaml:2:22: scenarios\[0\]\.crawl\.maxDept: .*"maxDepth"/],
    [
      "image: a\nscenarios: [{apiSpecs: {documents: [x]}}]",
      /^job\.yaml:2:37: scenarios\[0\]\.apiSpecs\.documents\[0\]: /,
    ],
    ["image: a\nlimits: {memory: 1k}", /^job\.yaml:2:18: limits\.memory: /],
  ])("%j is refused with the place of the fault", (text, message) => {
    expect(faultsOf(text)).toEqual([expect.stringMatching(message)]);
  });

  it("an alias that would grow without end is one", () => {
    const levels = Array.from({ length: 9 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at},`.repeat(9)}]`);
    expect(faultsOf(["l0: &l0 [x]", ...levels].join("\n"))).toEqual([expect.stringMatching(/^job\.yaml:1:1: .*alias/)]);
  });
});

describe("beside a job file", () => {
  const beside = (flags: Partial<JobOptions>, image?: string) =>
    requestOfFile("image: a\ntags: [a:file]\n", {
      ...JobOptions.parse({ kind: "profile", ...flags }),
      file: "job.yaml",
      image,
    });

  it("the command says the kind, and an image, a tag and a pull win", () => {
    expect(beside({})).toMatchObject({ kind: "profile", image: "a", tags: ["a:file"], pull: "never" });
    expect(beside({ tag: ["b:flag"], pull: true, given: ["--file", "--tag", "--pull"] }, "b:2")).toMatchObject({
      image: "b:2",
      tags: ["b:flag"],
      pull: "if-absent",
    });
  });

  it("any other flag is refused by name, and so is a command", () => {
    expect(() => beside({ given: ["--file", "--env", "--cmd", "--json"], command: ["x"] })).toThrow(
      expect.objectContaining({
        code: "request.invalid",
        message:
          "--env: cannot stand beside --file.\n--cmd: cannot stand beside --file.\n--: cannot stand beside --file.",
        hint: expect.stringContaining("job.yaml"),
      }),
    );
  });
});
