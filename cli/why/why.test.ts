import { describe, expect, it } from "vitest";
import type { KeepSet, Reason } from "#runner/keep-set.ts";
import type { Owners } from "#runner/report/package-owners.ts";
import type { Tree } from "#runner/stages/select.builder.ts";
import { answer } from "./answer.ts";
import { type Followed, follow } from "./follow.ts";
import { editDistance, nearestKept, nearNames } from "./near.ts";
import { whyText } from "./text.ts";
import { artifactsOf, readBack } from "./why.builder.ts";

const tree: Tree = {
  "/bin": "-> usr/bin",
  "/usr/bin/node": "node",
  "/usr/bin/js": "-> ../../bin/node",
  "/usr/bin/loop": "-> loop",
  "/usr/bin/nowhere": "-> /opt/none",
  "/usr/bin/perl": "perl5",
  "/usr/share/doc/perl/README": "read me",
  "/srv/drafts/a": "a",
  "/srv/\u001b[31mred": "x",
  "/etc/hosts": "",
};
const kept: KeepSet = new Map<string, Reason>([
  ["/usr/bin/node", { kind: "observed", by: "default", detail: "exec" }],
  ["/bin", { kind: "observed", by: "default", detail: "link" }],
  ["/usr/bin", { kind: "parent", by: "/usr/bin/node" }],
  ["/usr", { kind: "parent", by: "/usr/bin" }],
  ["/", { kind: "parent", by: "/usr" }],
]);
const owners: Owners = {
  packages: [{ system: "dpkg", name: "perl", at: null }],
  of: (path) => (/perl/.test(path) ? 0 : -1),
};
const excludedBy = (path: string) => (path.startsWith("/srv/drafts") ? "/srv/drafts/**" : undefined);
const { lines, reader } = readBack(artifactsOf(tree, kept, { owners, excludedBy, scenarios: ["default", "nightly"] }));

let passes = 0;
const followed = (path: string): Promise<Followed> =>
  follow(path, async (paths) => {
    passes += 1;
    return new Map([...lines].filter(([each]) => paths.has(each)));
  });

async function why(path: string) {
  const found = await followed(path);
  if (!found.entry) throw new Error(`${path} is not in the tree`);
  return answer(path, found, found.entry, reader);
}

describe("a path", () => {
  it.each([
    ["/usr/bin/node", [], "/usr/bin/node"],
    ["/bin/node", ["/bin"], "/usr/bin/node"],
    ["/bin/js", ["/bin", "/usr/bin/js", "/bin"], "/usr/bin/node"],
    ["//usr/./bin/../bin//node", [], "/usr/bin/node"],
    ["/bin/../bin/node", ["/bin"], "/usr/bin/node"],
    ["/", [], "/"],
  ])("%s is followed through its links", async (path, links, end) => {
    const found = await followed(path);
    expect(found.links.map((each) => each.path)).toEqual(links);
    expect(found.entry?.path).toBe(end);
  });

  it("that leads nowhere says where it ends", async () => {
    expect(await followed("/bin/nod")).toMatchObject({ entry: undefined, missing: "/usr/bin/nod" });
    expect(await followed("/usr/bin/node/x")).toMatchObject({ entry: undefined, missing: "/usr/bin/node/x" });
    expect(await followed("/usr/bin/nowhere/x")).toMatchObject({ entry: undefined, missing: "/opt/none/x" });
  });

  it("without links takes one pass over the list, and one more for each link", async () => {
    passes = 0;
    await followed("/usr/bin/node");
    expect(passes).toBe(1);
    await followed("/bin/node");
    expect(passes).toBe(3);
  });
});

describe("the answer", () => {
  it("for a kept file is its chain, in the first line", async () => {
    const found = await why("/bin/node");
    expect(found).toMatchObject({ kept: true, path: "/usr/bin/node", asked: "/bin/node", causes: [], nearest: null });
    expect(whyText(found).split("\n")).toEqual([
      "/usr/bin/node ← executed by scenario default",
      "  link       /bin → usr/bin  (link followed by scenario default)",
      "  kept       file, 4 B, of no package",
    ]);
  });

  it("for a removed file says why not, and what is near", async () => {
    const found = await why("/usr/bin/perl");
    expect(found.causes).toMatchObject([
      { code: "not-used", scenarios: ["default", "nightly"] },
      { code: "package", owner: "dpkg:perl", keptFiles: 0, files: 2 },
    ]);
    expect(found.nearest).toEqual({ path: "/usr/bin/node", sentence: "/usr/bin/node ← executed by scenario default" });
    expect(whyText(found).split("\n")).toEqual([
      "/usr/bin/perl was not kept",
      "  removed    file, 5 B, of package dpkg:perl",
      "  because    nothing used it in 2 scenarios: default, nightly, and no kept file or rule asks for it",
      "  because    of its package dpkg:perl 0 of 2 files were kept",
      "  nearest    /usr/bin/node ← executed by scenario default",
      "  keep it    with --include-path '/usr/bin/perl'",
    ]);
  });

  it("names the pattern that excluded it, the class of pruned parts, and what the engine makes", async () => {
    expect((await why("/srv/drafts/a")).causes).toMatchObject([{ code: "excluded", pattern: "/srv/drafts/**" }]);
    expect((await why("/usr/share/doc/perl/README")).causes.at(-1)).toMatchObject({
      code: "prune-class",
      class: "doc",
    });
    expect((await why("/etc/hosts")).causes.map(({ code }) => code)).toEqual(["made-by-engine"]);
    expect(whyText(await why("/etc/hosts"))).not.toContain("--include-path");
  });

  it("for a link that leads nowhere is about the link", async () => {
    const found = await why("/usr/bin/nowhere");
    expect(found).toMatchObject({ path: "/usr/bin/nowhere", kept: false, dangling: "/opt/none", links: [] });
    expect(whyText(found)).toContain("leads to   /opt/none, which is not in the image");
    expect(await why("/bin/loop")).toMatchObject({ path: "/usr/bin/loop", kept: false, links: [{ path: "/bin" }] });
  });

  it("lets nothing of the image touch the terminal", async () => {
    expect(whyText(await why("/srv/\u001b[31mred"))).not.toContain("\u001b");
  });
});

describe("what is near", () => {
  it.each([
    ["", "", 0],
    ["node", "node", 0],
    ["nod", "node", 1],
    ["ndoe", "node", 2],
    ["perl", "node", 3],
    ["a", "abcdefgh", 3],
  ])("the distance of %j and %j is %i at most", (a, b, distance) => {
    expect(editDistance(a, b, 2)).toBe(distance);
  });

  it("is first what differs least, in the same directory, then the same name elsewhere", () => {
    const near = nearNames("/usr/bin/nod");
    for (const path of ["/opt/nod", "/usr/bin/perl", "/usr/bin/node", "/usr/bin/nodejs", "/etc/node", "/x/y"])
      near.consider(path);
    expect(near.best()).toEqual(["/opt/nod", "/usr/bin/node", "/usr/bin/nodejs", "/etc/node"]);
  });

  it("is at most five names, whatever the image holds", () => {
    const near = nearNames("/a/index.js");
    for (let at = 0; at < 100; at++) near.consider(`/b/${at}/index.js`);
    expect(near.best()).toHaveLength(5);
  });

  it("to a removed entry is the kept one of its directory", () => {
    expect(nearestKept(reader, "/usr/bin/nodejs")?.path).toBe("/usr/bin/node");
    expect(nearestKept(reader, "/usr/lib/deep/x")?.path).toBe("/usr/bin/node");
    expect(nearestKept(reader, "/opt/x")).toBeUndefined();
  });
});
