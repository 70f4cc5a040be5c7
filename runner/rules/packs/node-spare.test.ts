import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { node } from "./node.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const json = JSON.stringify;
const at = "/app/node_modules/sql.js";
const large = { size: 1 << 20 };
const manifest = { main: "./dist/sql-wasm.js", exports: { ".": "./dist/sql-wasm.js", "./dist/*": "./dist/*" } };

/** An application that opens sql.js, a package with the other builds of its module beside the one that it names. */
const tree: Tree = {
  "/app/package.json": json({ dependencies: { "sql.js": "1", orm: "1" } }),
  "/app/main.js": 'const open = () => import("sql.js"); require("orm")',
  "/app/node_modules/orm/package.json": json({ dependencies: { "sql.js": "1" } }),
  "/app/node_modules/orm/index.js": 'require("sql.js")',
  [`${at}/package.json`]: json(manifest),
  [`${at}/dist/sql-wasm.js`]: 'locate("sql-wasm.wasm"); const mode = "amd"; // not sql-asm',
  [`${at}/dist/sql-wasm.wasm`]: "wasm",
  [`${at}/dist/sql-wasm-debug.wasm`]: "wasm",
  [`${at}/dist/sql-asm.js`]: "here",
  [`${at}/dist/sql-asm-debug.js`]: "",
  [`${at}/dist/worker.sql-asm.js`]: 'importScripts("sql-asm.js")',
  [`${at}/dist/sqljs-all.zip`]: "PK",
};
const builds = ["dist/sql-asm-debug.js", "dist/sql-asm.js", "dist/sqljs-all.zip", "dist/worker.sql-asm.js"];

/** What is left out of the package when files of the tree are changed. */
function spared(changes: Tree = {}, given: Parameters<typeof aPackContext>[1] = {}): string[] {
  const all = { ...tree, ...changes };
  const sized = [...builds, "dist/sql-wasm.js", "dist/sql-wasm.wasm", "dist/sql-wasm-debug.wasm"];
  const context = aPackContext(all, {
    application: ["/app"],
    workdir: "/app",
    entries: Object.fromEntries(sized.map((each) => [`${at}/${each}`, large])),
    ...given,
  });
  const kept = new Set(keptBy(node, context));
  const files = [...context.rootfs.keys()].filter((path) => path.startsWith(`${at}/`));
  return files
    .filter((path) => context.rootfs.get(path)?.type === "file" && !kept.has(path))
    .map((path) => path.slice(at.length + 1))
    .sort();
}

describe("alternative builds", () => {
  it("are left out with archives of the release when nothing names them; WebAssembly stays", () => {
    expect(spared()).toEqual(builds);
  });

  it.each<[string, Tree, string[]]>([
    ["an import of the application", { "/app/late.js": 'import("sql.js/dist/sql-asm.js")' }, ["dist/sql-asm.js"]],
    ["an import without extension", { "/app/late.js": 'require("sql.js/dist/sql-asm")' }, ["dist/sql-asm.js"]],
    ["a page", { "/app/x.html": '<script src="/v/sql-asm.js"></script>' }, ["dist/sql-asm.js"]],
    [
      "a package that depends on it",
      { "/app/node_modules/orm/late.js": 'file("sql-asm-debug.js")' },
      ["dist/sql-asm-debug.js"],
    ],
    ["a source of its own", { [`${at}/lib/late.js`]: 'require("../dist/sql-asm")' }, ["dist/sql-asm.js"]],
    [
      "a build that is named",
      { "/app/x.js": 'new Worker("worker.sql-asm.js")' },
      ["dist/sql-asm.js", "dist/worker.sql-asm.js"],
    ],
    [
      "the beginning of a name",
      { [`${at}/lib/a.js`]: 'load("worker." + kind)' },
      ["dist/sql-asm.js", "dist/worker.sql-asm.js"],
    ],
    ["the end of a name", { [`${at}/lib/a.js`]: "load(`$" + "{name}-debug.js`)" }, ["dist/sql-asm-debug.js"]],
    [
      "an end that is put in place",
      { [`${at}/lib/a.js`]: 'name.replace(".js", "-debug.js")' },
      ["dist/sql-asm-debug.js"],
    ],
    ["the words of a name", { [`${at}/lib/a.js`]: '["sql", "asm"].join("-")' }, ["dist/sql-asm.js"]],
    [
      "the archive's kind",
      { [`${at}/lib/a.js`]: 'files.find((file) => file.endsWith(".zip"))' },
      ["dist/sqljs-all.zip"],
    ],
    [
      "package.json as an entry",
      { [`${at}/package.json`]: json({ ...manifest, browser: "dist/sql-asm.js" }) },
      ["dist/sql-asm.js"],
    ],
    [
      "package.json under another name",
      { [`${at}/package.json`]: json({ ...manifest, exports: { "./*": "./dist/*-debug.js" } }) },
      ["dist/sql-asm-debug.js"],
    ],
  ])("stay when %s names them", (_, changes, stays) => {
    expect(spared(changes)).toEqual(builds.filter((each) => !stays.includes(each)));
  });

  it.each<[string, Tree]>([
    [
      "the package loads what it finds in a directory",
      { [`${at}/lib/a.js`]: "fs.readdirSync(dir).map((name) => require(dir + name))" },
    ],
    ["the package tells where it is", { [`${at}/lib/a.js`]: "exports.path = path.join(__dirname, '..')" }],
    ["the package names its directory", { [`${at}/lib/a.js`]: "serve(path.join(root, 'dist'))" }],
    ["the application asks where the package is", { "/app/a.js": 'serve(dirname(require.resolve("sql.js")))' }],
    ["the application serves its directory", { "/app/a.js": 'serve("./node_modules/sql.js/dist")' }],
    [
      "the application puts its directory together",
      { "/app/a.js": 'serve(join(root, "node_modules", "sql.js", "dist"))' },
    ],
    ["the application loads by a computed name", { "/app/a.js": 'import("sql.js/dist/" + name)' }],
    ["it has no main module", { [`${at}/package.json`]: "{}" }],
  ])("all stay when %s", (_, changes) => {
    const left = spared(changes).filter((each) => each !== "dist/sqljs-all.zip");
    expect(left).toEqual([]);
  });

  it("stay when they were used, are small, are for browsers or are another module", () => {
    const others = {
      "public/sql-asm-memory-growth.js": "",
      "dist/sql-dialects.js": "",
      "dist/templates.zip": "",
      "dist/sql-tables.json": "",
    };
    const changes = Object.fromEntries(Object.entries(others).map(([name, text]) => [`${at}/${name}`, text]));
    const entries = Object.fromEntries([...Object.keys(others), ...builds].map((name) => [`${at}/${name}`, large]));
    expect(spared(changes, { entries, seen: [`${at}/dist/sql-asm.js`] })).toEqual(
      builds.filter((each) => each !== "dist/sql-asm.js"),
    );
    expect(spared({}, { entries: {} })).toEqual([]);
  });

  it("are left out at the top of a package, whose sources name directories for other ends", () => {
    const top = { [`${at}/sql-es5.js`]: "", [`${at}/lib/a.js`]: 'const path = "."; const up = "..", root = "/"' };
    expect(spared(top, { entries: { [`${at}/sql-es5.js`]: large } })).toEqual(["sql-es5.js"]);
  });

  it("stay behind a link, where they are assets of another package", () => {
    const asset = "/usr/share/javascript/sql/sql-asm.js";
    const root = "/usr/share/nodejs/sql";
    const context = aPackContext(
      {
        "/app/main.js": 'require("sql")',
        [`${root}/package.json`]: "{}",
        [`${root}/index.js`]: "",
        [`${root}/sql-umd.js`]: "",
        [`${root}/files`]: "-> ../../javascript/sql",
        [asset]: "",
      },
      { application: ["/app"], workdir: "/app", entries: { [asset]: large, [`${root}/sql-umd.js`]: large } },
    );
    const kept = keptBy(node, context);
    expect(kept).toContain(asset);
    expect(kept).not.toContain(`${root}/sql-umd.js`);
  });

  it("stay when a source cannot be read", () => {
    const unread = { ...tree, "/app/late.js": "x" };
    const whole = aPackContext(unread);
    const content: typeof whole.content = (path, maxBytes) =>
      path === "/app/late.js" ? undefined : whole.content(path, maxBytes);
    expect(spared({ "/app/late.js": "x" }, { content })).toEqual([]);
  });

  it("stay when a command names them", () => {
    const commands = [["node", "-r", "sql.js/dist/sql-asm.js", "main.js"]];
    expect(spared({}, { commands })).not.toContain("dist/sql-asm.js");
  });
});
