import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Probe, Scenario } from "#contract/job.ts";
import { JobRequest } from "#contract/job.ts";
import type { Report } from "#contract/report.ts";
import type { Engine } from "#runner/docker/engine.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import type { TarEntry } from "#runner/docker/files.ts";
import { removeImage } from "#runner/docker/images.ts";
import { slim } from "#runner/pipeline.ts";
import { parseProbeFile } from "#runner/probes/parse-probe.ts";
import { testDeps } from "../deps.ts";
import { ballast, compileFaultApp, directory, file, loadFaultImage } from "./fault-images.ts";
import { residueOf } from "./residue.ts";

const engines = await enginesUnderTest(process.env);
const program = file("app", compileFaultApp("site-app.c"), 0o755);

/** A site whose pages are files: what was visited is what is kept. */
const pages = {
  "index.html": `<link rel=stylesheet href=/style.css><a href=/one.html>1</a><a href="/logout">out</a>
    <a href="http://elsewhere.example/away.html">away</a><a href="http://localhost/old.html">old</a><a href=/gone.html>gone</a>
    <form action=/find.html><input name=q value=x></form><form method=post action=/save.html></form>`,
  "style.css": "body { background: url(back.png) }",
  "back.png": "png",
  "one.html": "<a href=two.html>2</a><script src=one.js></script>",
  "one.js": "import './lazy.js'",
  "lazy.js": "export {}",
  "two.html": "<a href=three.html>3</a>",
  "three.html": "<a href=/>home</a>",
  "old.html": "Location: /new.html",
  "new.html": "new",
  "find.html": "found",
  "save.html": "saved",
  logout: "bye",
  "unlinked.html": "nobody comes here",
};

/** An API with a loop of references, and a document that tells of it. */
const api = {
  "index.html": "<p>an API",
  "openapi.json": JSON.stringify({
    openapi: "3.1.0",
    servers: [{ url: "https://api.example.org/v1" }],
    paths: {
      "/items": {
        get: { parameters: [{ name: "order", in: "query", required: true, schema: { enum: ["up", "down"] } }] },
        post: { requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Item" } } } } },
      },
      "/item/{id}": { get: { parameters: [{ $ref: "#/components/parameters/Id" }] } },
      "/secret": { get: {} },
    },
    components: {
      parameters: { Id: { name: "id", in: "path", required: true, schema: { type: "integer", minimum: 7 } } },
      schemas: {
        Item: {
          required: ["name", "parent"],
          properties: { name: { type: "string" }, parent: { $ref: "#/components/schemas/Item" }, note: {} },
        },
      },
    },
  }),
  "v1/items": "all",
  "v1/items.post": "made",
  "v1/item/7": "seven",
  "v1/item/8": "eight",
};

describe.each(engines)("what answers lead to, on $host", (engine) => {
  const bench = openBench(engine);
  afterAll(() => bench.close());

  test("a crawl visits what pages refer to, and the slim image is asked exactly the same", async () => {
    const { report, requests, slimRequests, kept, stored, left } = await bench.run(pages, { crawl: crawl({}) });
    expect({ verdict: report.verdict, left }).toEqual({ verdict: "verified", left: [] });
    expect(requests).toEqual([
      "GET /",
      "GET /style.css",
      "GET /one.html",
      "GET /old.html",
      "GET /gone.html",
      "GET /find.html?q=x",
      "GET /back.png",
      "GET /two.html",
      "GET /one.js",
      "GET /new.html",
      "GET /three.html",
      "GET /lazy.js",
    ]);
    expect(slimRequests).toEqual(requests);
    expect(kept).toEqual(
      Object.keys(pages)
        .filter((name) => !["save.html", "logout", "unlinked.html"].includes(name))
        .toSorted(),
    );
    expect(report.observation?.openQuestions).toContainEqual({
      kind: "endpoint",
      subject: "http://:8080/gone.html",
      text: expect.stringContaining("404"),
    });
    const replay = parseProbeFile(String(stored.get("exercise.json")), "exercise.json");
    expect(replay.map((probe) => probe.kind === "http" && `${probe.method} ${probe.resource}`)).toEqual(
      requests.slice(1),
    );
  });

  test("a crawl ends at its bounds and says so, and the slim image is asked as much", async () => {
    const shallow = await bench.run(pages, { crawl: crawl({ maxDepth: 1 }) });
    expect(shallow.requests).toHaveLength(6);
    expect(shallow.kept).not.toContain("two.html");
    const short = await bench.run(pages, { crawl: crawl({ maxPages: 2 }) });
    expect(short.requests).toEqual(["GET /", "GET /style.css", "GET /one.html"]);
    expect(short.slimRequests).toEqual(short.requests);
    expect(short.report.observation?.warnings).toContainEqual({
      code: "crawl.bounded",
      text: expect.stringMatching(/ended after 2 requests.* \d+ links were not followed/),
    });
  });

  test("without being asked nothing is followed, and a crawl starts at given pages too", async () => {
    expect((await bench.run(pages, {})).requests).toEqual(["GET /"]);
    const probes: Probe[] = [{ kind: "http", method: "GET", resource: "/two.html", headers: [] }];
    const given = await bench.run(pages, { defaultProbe: false, probes, crawl: crawl({ maxDepth: 1 }) });
    expect(given.requests).toEqual(["GET /two.html", "GET /three.html"]);
  });

  test("the operations of an API are found and called with what they require, safe ones only", async () => {
    const apiSpecs = { documents: [], wellKnown: true, mutating: false, maxRequests: 500 };
    const { report, requests, slimRequests, kept } = await bench.run(api, { apiSpecs });
    expect(report.verdict).toBe("verified");
    const called = ["GET /", "GET /openapi.json", "GET /v1/items?order=up", "GET /v1/item/7", "GET /v1/secret"];
    expect(requests).toEqual(called);
    expect(slimRequests).toEqual(called);
    expect(kept).toEqual(["index.html", "openapi.json", "v1/item/7", "v1/items"]);
    expect(report.observation?.warnings).toContainEqual({
      code: "api-spec.mutating",
      text: expect.stringMatching(/^1 operations of \/openapi\.json/),
    });
  });

  test("operations that may change something are called when they are asked for, and loops of references end", async () => {
    const documents = [{ resource: "/openapi.json", prefix: "/v1" }, { resource: "/nowhere.yaml" }];
    const apiSpecs = { documents, wellKnown: false, mutating: true, maxRequests: 500 };
    const { report, requests, slimRequests, kept } = await bench.run(api, { apiSpecs });
    const post = requests.find((line) => line.startsWith("POST")) ?? "";
    expect(post).toMatch(/^POST \/v1\/items \{"name":"string","parent":\{"name":"string"/);
    expect(slimRequests).toEqual(requests.filter((line) => line !== "GET /nowhere.yaml"));
    expect(kept).toContain("v1/items.post");
    expect(report.observation?.warnings).toContainEqual({
      code: "api-spec.not-found",
      text: expect.stringContaining("/nowhere.yaml"),
    });
  });
});

const crawl = (change: Partial<NonNullable<Scenario["crawl"]>>) => ({
  maxDepth: 3,
  maxPages: 100,
  maxBytes: 1 << 20,
  maxMs: 30_000,
  ...change,
});

type Ran = { report: Report; stored: Map<string, Buffer>; left: string[] } & Record<
  "requests" | "slimRequests" | "kept",
  string[]
>;

function openBench(engine: Engine) {
  const references = new Set<string>();
  return {
    /** Runs a job on an image that serves these files, with one scenario. */
    async run(site: Record<string, string>, scenario: Partial<Scenario>): Promise<Ran> {
      const image = `winnow-test-crawl-${process.pid}:${references.size + 1}`;
      references.add(image);
      await loadFaultImage(engine, image, { files: [program, ballast, ...siteFiles(site)], config: { Cmd: ["/app"] } });
      const tmpDir = mkdtempSync(join(tmpdir(), "winnow-crawl-"));
      const deps = await testDeps({ engine, tmpDir });
      const report = await slim(JobRequest.parse({ image, scenarios: [scenario], keep: { profile: "exact" } }), deps);
      for (const tag of report.slim?.tags ?? []) references.add(tag);
      const left = await residueOf(engine, deps.jobId, tmpDir);
      rmSync(tmpDir, { recursive: true });
      return {
        report,
        stored: deps.stored,
        left,
        requests: requestsIn(deps.stored.get("fat.log")),
        slimRequests: requestsIn(deps.stored.get("slim.log")),
        kept: keptIn(deps.stored.get("files.jsonl")),
      };
    },
    async close() {
      for (const reference of references) await removeImage({ engine }, reference);
    },
  };
}

function siteFiles(site: Record<string, string>): TarEntry[] {
  const folders = Object.keys(site).flatMap((name) =>
    name
      .split("/")
      .slice(0, -1)
      .map((_, at, all) => all.slice(0, at + 1).join("/")),
  );
  return [
    directory("site"),
    ...[...new Set(folders)].toSorted().map((name) => directory(`site/${name}`)),
    ...Object.entries(site).map(([name, content]) => file(`site/${name}`, content)),
  ];
}

/** What the application wrote: a line for each request. */
const requestsIn = (log: Buffer | undefined): string[] =>
  String(log)
    .split("\n")
    .filter((line) => /^[A-Z]+ \//.test(line))
    .map((line) => line.trim());

const keptIn = (list: Buffer | undefined): string[] =>
  String(list)
    .split("\n")
    .filter((line) => line !== "")
    .map((line): { path: string; type: string; kept: boolean } => JSON.parse(line))
    .filter(({ path, type, kept }) => kept && type === "file" && path.startsWith("/site/"))
    .map(({ path }) => path.slice("/site/".length))
    .toSorted();
