import { describe, expect, it } from "vitest";
import { Graph } from "#contract/graph.ts";
import type { KeepSet, Reason } from "../keep-set.ts";
import { aRootfs, aRun, type Tree } from "../stages/select.builder.ts";
import { explain } from "./explain.ts";
import { graphDocument } from "./graph.ts";
import { type GraphReader, readGraph } from "./graph-read.ts";
import type { Owners } from "./package-owners.ts";
import { sharesOf } from "./shares.ts";

const tree: Tree = {
  "/lib": "-> usr/lib",
  "/usr/bin/node": "node",
  "/usr/bin/dash": "dash",
  "/usr/lib/libssl.so.3": "ssl",
  "/usr/lib/libssl.so": "-> libssl.so.3",
  "/app/run.sh": "#!/bin/dash",
  "/app/main.js": "main",
  "/app/unused.js": "unused",
  "/etc/passwd": "root",
  "/srv/a": "a",
};

const observed = (detail: string) => ({ kind: "observed", by: "default", detail }) as const;
const keep: KeepSet = new Map<string, Reason>([
  ["/usr/bin/node", observed("stat")],
  ["/usr/bin", { kind: "parent", by: "/usr/bin/node" }],
  ["/usr", { kind: "parent", by: "/usr/bin" }],
  ["/", { kind: "parent", by: "/usr" }],
  ["/usr/bin/dash", observed("exec")],
  ["/app/main.js", observed("read")],
  ["/app", { kind: "parent", by: "/app/main.js" }],
  ["/usr/lib/libssl.so", { kind: "needed", by: "/usr/bin/node", detail: "libssl.so" }],
  ["/usr/lib/libssl.so.3", { kind: "target", by: "/usr/lib/libssl.so" }],
  ["/usr/lib", { kind: "parent", by: "/usr/lib/libssl.so.3" }],
  ["/lib", observed("link")],
  ["/app/run.sh", { kind: "rule", by: "application", detail: "workdir" }],
  ["/etc/passwd", { kind: "rule", by: "identity" }],
  ["/etc", { kind: "parent", by: "/etc/passwd" }],
  ["/srv/a", { kind: "pinned", by: "/srv/**" }],
  ["/srv", { kind: "repaired", by: "verify" }],
]);

const run = {
  scenario: "default",
  run: aRun([], {
    exes: ["", "/usr/bin/dash", "/usr/bin/node"],
    processes: [
      { pid: 1, ppid: 0, exe: "/usr/bin/dash", argv: ["dash"], cut: false },
      { pid: 7, ppid: 1, exe: "/usr/bin/node", argv: ["node", "main.js"], cut: false },
    ],
    files: [
      { kind: "exec", exe: "", path: "/usr/bin/dash", result: "ok" },
      { kind: "stat", exe: "/usr/bin/dash", path: "/usr/bin/node", result: "ok" },
      { kind: "exec", exe: "/usr/bin/dash", path: "/usr/bin/node", result: "ok" },
      { kind: "read", exe: "/usr/bin/node", path: "/app/main.js", result: "ok" },
      { kind: "read", exe: "/usr/bin/node", path: "/app/main.js", result: "ok" },
      { kind: "stat", exe: "/usr/bin/dash", path: "/app/main.js", result: "ok" },
      { kind: "read", exe: "/usr/bin/node", path: "/app/unused.js", result: "noent" },
    ],
    links: [{ path: "/lib", target: "usr/lib" }],
  }),
};

const owners: Owners = {
  packages: [{ system: "dpkg", name: "nodejs", at: null }],
  of: (path) => (path === "/usr/bin/node" || path === "/app/unused.js" ? 0 : -1),
};

function aGraph(content: Tree, kept: KeepSet, runs = [run]): { reader: GraphReader; text: string } {
  const rootfs = aRootfs(content);
  const text = [...graphDocument({ rootfs, kept, runs, owners, shares: sharesOf(rootfs, kept, owners) })].join("");
  return { reader: readGraph(Graph.parse(JSON.parse(text))), text };
}

const sentence = ({ reader }: { reader: GraphReader }, path: string): string | undefined => {
  const entry = reader.find(path);
  return entry && explain(path, reader.chain(entry));
};

describe("the file graph", () => {
  const graph = aGraph(tree, keep);

  it.each([
    "/usr/bin/dash ← executed by scenario default",
    "/usr/bin/node ← executed by /usr/bin/dash ← executed by scenario default",
    "/usr/lib/libssl.so.3 ← target of link /usr/lib/libssl.so ← needed by /usr/bin/node ← executed by /usr/bin/dash ← executed by scenario default",
    "/app/main.js ← read by /usr/bin/node ← executed by /usr/bin/dash ← executed by scenario default",
    "/ ← directory of /usr/bin/node ← executed by /usr/bin/dash ← executed by scenario default",
    "/lib ← link followed by scenario default",
    "/app/run.sh ← rule application (workdir)",
    "/etc/passwd ← rule identity",
    "/srv/a ← included by pattern /srv/**",
    "/srv ← missing in the slim image, found by verification",
  ])("tells %s", (line) => {
    expect(sentence(graph, line.split(" ", 1)[0] ?? "")).toBe(line);
  });

  it("holds every kept entry with its reason, and no removed one", () => {
    expect(graph.reader.graph.entries).toHaveLength(keep.size);
    for (const path of keep.keys()) expect(graph.reader.find(path)?.path).toBe(path);
    expect(graph.reader.find("/app/unused.js")).toBeUndefined();
    expect(graph.text).not.toContain("unused.js");
  });

  it("sums up what was removed by owner", () => {
    const [nodejs] = graph.reader.graph.packages;
    expect(nodejs?.kept).toEqual({ entries: 1, files: 1, bytes: 4 });
    expect(nodejs?.removed).toEqual({ entries: 1, files: 1, bytes: 6 });
    expect(graph.reader.graph.unowned.removed).toEqual({ entries: 0, files: 0, bytes: 0 });
    expect(graph.reader.find("/usr/bin/node")?.owner).toBe(nodejs);
  });

  it("has what else was done with an entry, each way once", () => {
    const main = graph.reader.find("/app/main.js");
    expect(main && graph.reader.others(main)).toEqual([{ kind: "looked-at", by: { path: "/usr/bin/dash" } }]);
  });

  it("has processes with what they run and what started them", () => {
    const { processes, edges, kinds, entries } = graph.reader.graph;
    expect(processes.map(({ pid, argv }) => [pid, ...argv])).toEqual([
      [1, "dash"],
      [7, "node", "main.js"],
    ]);
    const second = entries.length + 1;
    const of = edges.filter(([from]) => from === second).map(([, to, kind]) => [kinds[kind], to]);
    expect(of).toEqual([
      ["started", entries.length],
      ["runs", graph.reader.find("/usr/bin/node")?.number],
    ]);
  });

  it("says each name once", () => {
    expect(graph.text.match(/libssl\.so\.3/g)).toHaveLength(1);
    expect(graph.text.match(/"usr"/g)).toHaveLength(1);
  });
});

describe("a graph of odd things", () => {
  it("tells what only a chain that bites its tail leads to", () => {
    const kept: KeepSet = new Map<string, Reason>([
      ["/a", { kind: "unit", by: "/b" }],
      ["/b", { kind: "unit", by: "/a" }],
      ["/c", { kind: "rule", by: "/c", detail: "self" }],
    ]);
    const graph = aGraph({ "/a": "a", "/b": "b", "/c": "c" }, kept);
    expect(sentence(graph, "/a")).toBe("/a ← of one unit with /b ← of one unit with /a");
    expect(sentence(graph, "/c")).toBe("/c ← rule self (self)");
  });

  it("has names that are not UTF-8, line ends and quotes", () => {
    const names = ["/srv/caf\udce9", "/srv/a\nb", '/srv/"', "/srv/\u2028"];
    const kept: KeepSet = new Map(names.map((name) => [name, observed("read")]));
    const graph = aGraph(Object.fromEntries(names.map((name) => [name, "x"])), kept);
    for (const name of names) expect(graph.reader.find(name)?.path).toBe(name);
  });

  it("of many entries comes in pieces", () => {
    const names = Array.from({ length: 20_000 }, (_, at) => `/srv/${at}`);
    const rootfs = aRootfs(Object.fromEntries(names.map((name) => [name, "x"])));
    const kept: KeepSet = new Map(names.map((name) => [name, observed("read")]));
    const shares = sharesOf(rootfs, kept, owners);
    const lengths = [...graphDocument({ rootfs, kept, runs: [], owners, shares })].map(({ length }) => length);
    expect(lengths.length).toBeGreaterThan(5);
    expect(Math.max(...lengths)).toBeLessThan(70_000);
  });
});
