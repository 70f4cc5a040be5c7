import { describe, expect, it } from "vitest";
import { JobOptions, toJobRequest } from "./options.ts";

type Flags = Partial<JobOptions>;
const scenario = (flags: Flags, files: [string, string][] = []) =>
  toJobRequest("web:1", JobOptions.parse({ kind: "slim", ...flags }), new Map(files)).scenarios[0];
function faultOf(flags: Flags, files: [string, string][] = []): string {
  try {
    scenario(flags, files);
    return "";
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : "";
  }
}
const spec = JSON.stringify({ openapi: "3.0.0", paths: { "/a": { get: {}, post: {} } } });

describe("a crawl", () => {
  it("is asked for by its flag or by its bounds, and not otherwise", () => {
    expect(scenario({})?.crawl).toBeUndefined();
    expect(scenario({ httpProbeCrawl: true })?.crawl).toMatchObject({ maxDepth: 3, maxPages: 1000 });
    expect(scenario({ httpCrawlMaxDepth: "1", httpCrawlMaxPageCount: "5" })?.crawl).toMatchObject({
      maxDepth: 1,
      maxPages: 5,
    });
    expect(scenario({ httpProbeCrawl: false, httpCrawlMaxDepth: "1" })?.crawl).toBeUndefined();
  });

  it("with bounds that are no numbers is refused under their option", () => {
    expect(faultOf({ httpCrawlMaxDepth: "deep" })).toMatch(/^--http-crawl-max-depth: /);
    expect(faultOf({ httpCrawlMaxPageCount: "0" })).toMatch(/^--http-crawl-max-page-count: /);
  });
});

describe("an API spec", () => {
  it("is looked for where it is said to be", () => {
    expect(
      scenario({ httpProbeApispec: ["/openapi.json:/v1", "auto"], httpProbeApispecMutating: true })?.apiSpecs,
    ).toEqual({
      documents: [{ resource: "/openapi.json", prefix: "/v1" }],
      wellKnown: true,
      mutating: true,
      maxRequests: 500,
    });
    expect(faultOf({ httpProbeApispec: ["openapi.json"] })).toMatch(
      /^--http-probe-apispec: "openapi\.json" is no path/,
    );
  });

  it("in a file is turned into probes, safe ones unless more is asked for", () => {
    const files: [string, string][] = [["api.json", spec]];
    const lines = (flags: Flags) =>
      scenario({ httpProbeApispecFile: ["api.json:/v1"], ...flags }, files)?.probes.map((probe) =>
        probe.kind === "http" ? `${probe.method} ${probe.resource}` : "",
      );
    expect(lines({})).toEqual(["GET /v1/a"]);
    expect(lines({ httpProbeApispecMutating: true })).toEqual(["GET /v1/a", "POST /v1/a"]);
  });

  it("in a file that is none is refused", () => {
    expect(faultOf({ httpProbeApispecFile: ["x.yaml"] }, [["x.yaml", "a: 1"]])).toMatch(
      /^--http-probe-apispec-file: x\.yaml is no OpenAPI/,
    );
  });
});

describe("a recording", () => {
  it("becomes probes after those that are written out, and before commands", () => {
    const har = JSON.stringify({ log: { entries: [{ request: { method: "GET", url: "http://a/har" } }] } });
    const log = '1.2.3.4 - - [10/Oct/2024:13:55:36 +0000] "GET /log HTTP/1.0" 200 1\n';
    const flags = { httpProbeCmd: ["/cmd"], exec: ["true"], httpProbeHar: ["a.har"], httpProbeAccessLog: ["a.log"] };
    const probes =
      scenario(flags, [
        ["a.har", har],
        ["a.log", log],
      ])?.probes ?? [];
    expect(probes.map((probe) => (probe.kind === "http" ? probe.resource : probe.kind))).toEqual([
      "/cmd",
      "/har",
      "/log",
      "exec",
    ]);
  });

  it("that cannot be read is refused under its option", () => {
    expect(faultOf({ httpProbeHar: ["a.har"], httpProbeAccessLog: ["a.log"] }, [["a.log", "?"]])).toMatch(
      /^--http-probe-har: HAR file a\.har: .*\n--http-probe-access-log: Access log a\.log: /,
    );
  });
});
