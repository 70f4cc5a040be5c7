import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectRoot } from "#api/root.ts";
import { Graph } from "#contract/graph.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import { removeImage } from "#runner/docker/images.ts";
import { buildCommandLine, runWinnow } from "./command-line.ts";
import { compileFaultApp, faultLabel } from "./fault-images.ts";

const [engine] = await enginesUnderTest(process.env);
if (!engine) throw new Error("no engine to test on");

const statePath = mkdtempSync(join(tmpdir(), "winnow-why-"));
const where = { statePath, host: engine.host };
const [image, tag] = ["", ".slim"].map((end) => `winnow-test-why-${process.pid}${end}:latest`) as [string, string]; // two ends

const package_ = (name: string) => `Package: ${name}\nStatus: install ok installed\nArchitecture: all\n\n`;
const files: Record<string, string> = {
  "srv/v1/page": "a page\n",
  "srv/v1/other": "another page\n",
  "srv/drafts/secret": "not yet\n",
  "usr/bin/tool": "tool",
  "usr/share/doc/tool/README": "read me",
  "var/lib/dpkg/status": package_("pages") + package_("tool"),
  "var/lib/dpkg/info/pages.list": "/.\n/srv\n/srv/v1\n/srv/v1/page\n/srv/v1/other\n",
  "var/lib/dpkg/info/tool.list":
    "/.\n/usr\n/usr/bin\n/usr/bin/tool\n/usr/share\n/usr/share/doc\n/usr/share/doc/tool\n/usr/share/doc/tool/README\n",
};

/** A root with a name that is not UTF-8, which no builder of archives here could write, as a tar. */
function rootArchive(): Buffer {
  const root = mkdtempSync(join(tmpdir(), "winnow-why-root-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    mkdirSync(join(root, "keep"));
    for (const name of ["caf\xe9", "th\xe9"]) writeFileSync(Buffer.from(join(root, "keep", name), "latin1"), "x");
    symlinkSync("v1", join(root, "srv/current"));
    writeFileSync(join(root, "app"), compileFaultApp(), { mode: 0o755 });
    writeFileSync(join(root, "ballast"), Buffer.alloc(1 << 20, 7));
    return execFileSync("tar", ["-C", root, "-c", "."], { maxBuffer: 64 << 20 });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** By a shell, because Node could only give arguments that are UTF-8. `path` is quoted for it. */
function whyByShell(path: string): string {
  const command = `exec "$0" --state-path "$1" why latest ${path}`;
  return execFileSync("bash", ["-c", command, join(projectRoot(), "bin/winnow"), statePath], { encoding: "utf8" });
}

const why = (...args: string[]) => runWinnow(["why", "latest", ...args], where);

beforeAll(async () => {
  buildCommandLine();
  const [label, value] = Object.entries(faultLabel)[0] ?? [];
  const changes = ['ENTRYPOINT ["/app"]', 'CMD ["file", "/srv/current/page"]', `LABEL ${label}=${value}`];
  const [repo, version] = image.split(":");
  const done = await engine.docker.importImage(Readable.from([rootArchive()]), { repo, tag: version, changes });
  done.resume();
  await new Promise((resolve, reject) => done.on("end", resolve).on("error", reject));
  const kept = ["--keep", "exact", "--include-path", "/keep/caf*", "--include-path", "/srv/drafts"];
  const ran = await runWinnow(["slim", image, "--tag", tag, ...kept, "--exclude-pattern", "/srv/drafts/**"], where);
  expect(ran).toMatchObject({ code: 0 });
}, 300_000);

afterAll(async () => {
  for (const each of [tag, image]) await removeImage({ engine }, each);
  rmSync(statePath, { recursive: true, force: true });
});

describe("winnow why", () => {
  test("tells the chain of a kept file, by its path through links", async () => {
    const { code, stdout } = await why("/srv/current/page");
    expect(code).toBe(0);
    expect(stdout.split("\n").slice(0, 3)).toEqual([
      "/srv/v1/page ← read by /app ← executed by scenario default",
      "  link       /srv/current → v1  (link followed by scenario default)",
      "  kept       file, 7 B, of package dpkg:pages (1 of 2 files kept)",
    ]);
    expect((await why("/srv/v1")).stdout).toMatch(/^\/srv\/v1 ← directory of \/srv\/v1\/page ← read by \/app ← /);
  });

  test("tells why a file was removed: nobody used it, its package, what is kept beside it", async () => {
    const { code, stdout } = await why("/srv/v1/other", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      path: "/srv/v1/other",
      kept: false,
      sizeBytes: 13,
      owner: { system: "dpkg", name: "pages" },
      causes: [
        { code: "not-used", scenarios: ["default"] },
        { code: "package", owner: "dpkg:pages", keptFiles: 1, files: 2 },
      ],
      nearest: { path: "/srv/v1/page" },
    });
    const doc = (await why("/usr/share/doc/tool/README")).stdout;
    expect(doc).toContain("of its package dpkg:tool 0 of 2 files were kept");
    expect(doc).toContain("of class doc");
  });

  test("names the pattern that took away what was asked for", async () => {
    expect((await why("/srv/drafts/secret")).stdout).toContain("the pattern /srv/drafts/** excludes it");
  });

  test("finds names that are not UTF-8, by their bytes and as they are printed", async () => {
    const line = String.raw`/keep/caf\udce9 ← included by pattern /keep/caf*`;
    expect(whyByShell(String.raw`$'/keep/caf\xe9'`).split("\n")[0]).toBe(line);
    expect((await why(String.raw`/keep/caf\udce9`)).stdout.split("\n")[0]).toBe(line);
    expect(whyByShell(String.raw`$'/keep/th\xe9'`)).toContain(String.raw`/keep/th\udce9 was not kept`);
  });

  test("says that a path is not in the image, and what is near it", async () => {
    expect(await why("/srv/current/pag")).toEqual({
      code: 2,
      stdout: "",
      stderr: "error: /srv/current/pag (it leads to /srv/v1/pag) is not in the image.\nhint:  Near it: /srv/v1/page.\n",
    });
    expect(await why("page", "--json")).toMatchObject({ code: 2, stdout: expect.stringContaining("request.invalid") });
  });
});

test("every entry is accounted for: kept ones in the graph with a chain that ends, removed ones with owner and size", async () => {
  const { stdout } = await runWinnow(["report", "latest", "--json"], where);
  const report = JSON.parse(stdout);
  const all = async (which: string): Promise<Record<string, unknown>[]> => {
    const listed = await runWinnow(["report", "latest", "--files", which, "--json"], where);
    return listed.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  };
  const [kept, removed] = [await all("kept"), await all("removed")];
  expect(kept.length + removed.length).toBe(report.fat.entries);
  expect(removed.find(({ path }) => path === "/usr/bin/tool")).toMatchObject({ owner: "dpkg:tool", size: 4 });
  expect(removed.find(({ path }) => path === "/ballast")).toMatchObject({ owner: null, size: 1 << 20 });
  expect(report.removed).toMatchObject([
    { owner: null },
    { owner: "dpkg:pages", bytes: 13 },
    { owner: "dpkg:tool", bytes: 11 },
  ]);

  const artifacts = join(statePath, "store/jobs", report.job.id, "1");
  const graph = Graph.parse(JSON.parse(execFileSync("cat", [join(artifacts, "graph.json")], { encoding: "utf8" })));
  expect(graph.entries).toHaveLength(kept.length);
  expect(graph.processes).toMatchObject([{ scenario: "default", argv: ["/app", "file", "/srv/current/page"] }]);
  const sentences = (await runWinnow(["report", "latest", "--files", "kept"], where)).stdout.trimEnd().split("\n");
  expect(sentences).toHaveLength(kept.length);
  for (const sentence of sentences) expect(sentence).toMatch(/ ← .*(scenario default|rule \S+|pattern \S+)( \(.*\))?$/);
});
