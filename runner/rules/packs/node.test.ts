import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { node } from "./node.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const json = JSON.stringify;

/** An installed package with a source file. */
const aPackage = (directory: string, manifest: object = {}): Tree => ({
  [`${directory}/package.json`]: json(manifest),
  [`${directory}/index.js`]: "module.exports = 1",
});

const tree: Tree = {
  "/app/package.json": json({
    dependencies: { express: "1", moment: "1", ejs: "1", unused: "1", lodash: "1" },
    devDependencies: { mocha: "1" },
  }),
  "/app/server.js": `const express = require("express"); // require("lodash")
    app.set("view engine", "ejs"); const late = () => require("moment/locale/de");
    const undeclared = () => require("hidden"); const text = "loose";`,
  "/app/test/server.test.js": `require("mocha"); require("lodash")`,
  ...aPackage("/app/node_modules/express", { dependencies: { send: "1", debug: "2" } }),
  ...aPackage("/app/node_modules/express/node_modules/debug", { dependencies: { ms: "1" } }),
  ...aPackage("/app/node_modules/debug", {}),
  ...aPackage("/app/node_modules/ms"),
  ...aPackage("/app/node_modules/send", {
    optionalDependencies: { fast: "1", absent: "1" },
    peerDependencies: { peer: "1", choice: "1" },
    peerDependenciesMeta: { choice: { optional: true } },
    devDependencies: { mocha: "1" },
  }),
  ...["fast", "peer", "choice", "mocha", "moment", "ejs", "unused", "lodash", "hidden", "loose"].reduce<Tree>(
    (all, name) => Object.assign(all, aPackage(`/app/node_modules/${name}`)),
    {},
  ),
  "/app/node_modules/moment/locale/de.js": "",
};

const app = { seen: ["/app/server.js", "/app/node_modules/express/index.js"], application: ["/app"], workdir: "/app" };
const packagesOf = (kept: string[]) =>
  kept
    .filter((path) => path.endsWith("/package.json"))
    .map((path) => path.replace(/^.*?node_modules\/|\/package\.json$/g, ""));

describe("node", () => {
  it("keeps what was used and what is named, with production dependencies, and nothing else", () => {
    const kept = keptBy(node, aPackContext(tree, app));
    // express was used; ejs and moment are declared and named; hidden is imported
    expect(packagesOf(kept).sort()).toEqual(
      ["ejs", "express", "express/node_modules/debug", "fast", "hidden", "moment", "ms", "peer", "send"].sort(),
    );
    expect(kept).toContain("/app/node_modules/moment/locale/de.js");
  });

  it("says why: the code that names a package, the package that depends on one", () => {
    const seeds = node.seeds?.(aPackContext(tree, app)) ?? [];
    const reasonOf = (path: string) => seeds.find((each) => each.path === path)?.reason;
    expect(reasonOf("/app/node_modules/ejs/index.js")).toEqual({
      kind: "unit",
      by: "/app/server.js",
      detail: "named package",
    });
    expect(reasonOf("/app/node_modules/ms/index.js")?.by).toBe(
      "/app/node_modules/express/node_modules/debug/package.json",
    );
  });

  it("leaves out what only developers of a package use, but for what it names as an entry or what was used", () => {
    const at = "/app/node_modules/pack";
    const kept = keptBy(
      node,
      aPackContext(
        {
          "/app/package.json": json({ dependencies: { pack: "1" } }),
          "/app/main.mjs": `import pack from "pack"`,
          [`${at}/package.json`]: json({ main: "docs/main.js", exports: { ".": { import: "./esm/x.mjs" } } }),
          [`${at}/README.md`]: "",
          [`${at}/index.js.map`]: "",
          [`${at}/index.d.ts`]: "",
          [`${at}/src/index.ts`]: "",
          [`${at}/esm/x.mjs`]: "",
          [`${at}/cjs/x.js`]: "",
          [`${at}/dist/doc/Document.js`]: "",
          [`${at}/docs/main.js`]: "",
          [`${at}/test/a.js`]: "",
          [`${at}/lib/a.test.js`]: "",
          [`${at}/example/used.js`]: "",
          [`${at}/example/beside.js`]: "",
          [`${at}/examples/a.js`]: "",
          [`${at}/deps/sqlite3.c`]: "",
          [`${at}/build/Release/obj.target/a.o`]: "",
          [`${at}/node_modules/inner/package.json`]: "{}",
        },
        { ...app, seen: [`${at}/example/used.js`] },
      ),
    );
    const expected = ["cjs/x.js", "dist/doc/Document.js", "docs/main.js", "esm/x.mjs", "example/beside.js"];
    expect(kept).toEqual([...expected, "example/used.js", "package.json"].map((path) => `${at}/${path}`));
  });

  it("follows the links of a pnpm store", () => {
    const store = "/app/node_modules/.pnpm";
    const kept = keptBy(
      node,
      aPackContext(
        {
          "/app/package.json": json({ dependencies: { a: "1", c: "1" } }),
          "/app/main.js": `require("a")`,
          "/app/node_modules/a": "-> .pnpm/a@1/node_modules/a",
          "/app/node_modules/c": "-> .pnpm/c@1/node_modules/c",
          ...aPackage(`${store}/a@1/node_modules/a`, { dependencies: { b: "1" } }),
          [`${store}/a@1/node_modules/b`]: "-> ../../b@1/node_modules/b",
          ...aPackage(`${store}/b@1/node_modules/b`),
          ...aPackage(`${store}/c@1/node_modules/c`),
        },
        { ...app, seen: ["/app/main.js"] },
      ),
    );
    expect(kept.filter((path) => !path.endsWith(".js"))).toEqual([
      `${store}/a@1/node_modules/a`,
      `${store}/a@1/node_modules/a/package.json`,
      `${store}/a@1/node_modules/b`,
      `${store}/b@1/node_modules/b`,
      `${store}/b@1/node_modules/b/package.json`,
      "/app/node_modules/a",
    ]);
  });

  it("goes through a workspace to the packages that its members name", () => {
    const kept = keptBy(
      node,
      aPackContext(
        {
          "/app/package.json": json({ workspaces: ["packages/*"] }),
          "/app/packages/web/package.json": json({ dependencies: { "@me/lib": "1" } }),
          "/app/packages/web/main.js": `require("@me/lib")`,
          "/app/packages/lib/package.json": json({ name: "@me/lib", dependencies: { a: "1", b: "1" } }),
          "/app/packages/lib/index.js": `exports.late = () => import("a")`,
          "/app/node_modules/@me/lib": "-> ../../packages/lib",
          ...aPackage("/app/node_modules/a"),
          ...aPackage("/app/node_modules/b"),
        },
        { ...app, seen: [] },
      ),
    );
    expect(kept).toEqual([
      "/app/node_modules/@me/lib",
      "/app/node_modules/a/index.js",
      "/app/node_modules/a/package.json",
      "/app/packages/lib",
    ]);
  });

  it("follows packaged modules into the directories of web assets", () => {
    const kept = keptBy(
      node,
      aPackContext(
        {
          "/srv/app/main.js": `require("chart")`,
          "/usr/share/nodejs/chart/package.json": json({ dependencies: { jquery: "1" } }),
          "/usr/share/nodejs/chart/dist": "-> ../../javascript/chart",
          "/usr/share/javascript/chart/chart.js": "",
          "/usr/share/javascript/other/other.js": "",
          "/usr/share/nodejs/jquery": "-> ../javascript/jquery",
          "/usr/share/javascript/jquery/package.json": "{}",
          "/usr/share/javascript/jquery/jquery.js": "",
        },
        { application: ["/srv/app"] },
      ),
    );
    expect(kept).toEqual([
      "/usr/share/javascript/chart",
      "/usr/share/javascript/chart/chart.js",
      "/usr/share/javascript/jquery",
      "/usr/share/javascript/jquery/jquery.js",
      "/usr/share/javascript/jquery/package.json",
      "/usr/share/nodejs/chart/dist",
      "/usr/share/nodejs/chart/package.json",
      "/usr/share/nodejs/jquery",
    ]);
  });

  it("keeps the program of the package.json script that runs, and of npm what was observed", () => {
    const kept = keptBy(
      node,
      aPackContext(
        {
          "/app/package.json": json({
            scripts: { start: "NODE_ENV=production npm run serve -- -p 80", serve: "next start", build: "webpack" },
          }),
          "/app/node_modules/.bin/next": "-> ../next/dist/bin/next",
          "/app/node_modules/next/dist/bin/next": "#!/usr/bin/env node",
          "/app/node_modules/next/package.json": json({ dependencies: { a: "1" } }),
          ...aPackage("/app/node_modules/a"),
          "/app/node_modules/.bin/webpack": "-> ../webpack/cli.js",
          "/app/node_modules/webpack/cli.js": "",
          "/usr/local/lib/node_modules/npm/bin/npm-cli.js": "",
          "/usr/local/lib/node_modules/npm/package.json": json({ dependencies: { chalk: "1" } }),
          ...aPackage("/usr/local/lib/node_modules/npm/node_modules/chalk"),
          ...aPackage("/usr/local/lib/node_modules/npm/node_modules/rest"),
        },
        {
          application: ["/app"],
          commands: [["/bin/sh", "-c", "exec npm start"]],
          seen: [
            "/usr/local/lib/node_modules/npm/bin/npm-cli.js",
            "/usr/local/lib/node_modules/npm/node_modules/chalk/index.js",
          ],
        },
      ),
    );
    expect(kept).toEqual([
      "/app/node_modules/.bin/next",
      "/app/node_modules/a/index.js",
      "/app/node_modules/a/package.json",
      "/app/node_modules/next/dist/bin/next",
      "/app/node_modules/next/package.json",
    ]);
  });

  it("loads native add-ons for this platform only, and leaves an unused compiler binary of 120 MB", () => {
    const context = aPackContext(
      {
        "/lib64/ld-linux-x86-64.so.2": Buffer.from("x"),
        "/app/main.js": `require("native"); require("framework")`,
        "/app/node_modules/native/package.json": "{}",
        "/app/node_modules/native/build/Release/native.node": Buffer.from("x"),
        "/app/node_modules/native/prebuilds/linux-x64/node.napi.glibc.node": Buffer.from("x"),
        "/app/node_modules/native/prebuilds/linux-x64/node.napi.musl.node": Buffer.from("x"),
        "/app/node_modules/native/prebuilds/linux-arm64/node.napi.node": Buffer.from("x"),
        "/app/node_modules/native/prebuilds/darwin-x64/node.napi.node": Buffer.from("x"),
        ...aPackage("/app/node_modules/framework", {
          optionalDependencies: { "@f/swc-linux-x64-gnu": "1", "@f/linux-x64": "1", "@f/linuxmusl-x64": "1" },
        }),
        ...aPackage("/app/node_modules/@f/swc-linux-x64-gnu", { os: ["linux"], cpu: ["x64"] }),
        ...aPackage("/app/node_modules/@f/linux-x64", { os: ["linux"] }),
        ...aPackage("/app/node_modules/@f/linuxmusl-x64", { os: ["linux"] }),
      },
      { ...app, seen: [], entries: { "/app/node_modules/@f/swc-linux-x64-gnu/index.js": { size: 120 << 20 } } },
    );
    const seeds = node.seeds?.(context) ?? [];
    expect(seeds.filter(({ use }) => use === "load").map(({ path }) => path.slice(25))).toEqual([
      "build/Release/native.node",
      "prebuilds/linux-x64/node.napi.glibc.node",
    ]);
    expect(packagesOf(keptBy(node, context))).toEqual(["@f/linux-x64", "framework", "native"]);
  });

  it("keeps the packages of builds that bring their own, as Next's standalone and Nuxt's output do", () => {
    const output = "/app/.output/server";
    const standalone = "/app/.next/standalone";
    const tree: Tree = {
      [`${output}/package.json`]: json({ dependencies: { vue: "3", late: "1", unused: "1" } }),
      [`${output}/index.mjs`]: 'import "vue"',
      [`${output}/chunks/routes.mjs`]: 'const load = () => import("late")',
      ...aPackage(`${output}/node_modules/vue`),
      ...aPackage(`${output}/node_modules/late`),
      ...aPackage(`${output}/node_modules/unused`),
      [`${standalone}/package.json`]: json({ dependencies: { next: "14", sharp: "1" } }),
      [`${standalone}/server.js`]: 'require("next")',
      [`${standalone}/.next/server/chunks/1.js`]: 'require("sharp")',
      ...aPackage(`${standalone}/node_modules/next`),
      ...aPackage(`${standalone}/node_modules/sharp`, { optionalDependencies: { "@img/sharp-linux-x64": "1" } }),
      ...aPackage(`${standalone}/node_modules/@img/sharp-linux-x64`),
      [`${standalone}/node_modules/@img/sharp-linux-x64/lib/sharp-linux-x64.node`]: "elf",
    };
    const kept = keptBy(node, aPackContext(tree, { application: ["/app"], workdir: "/app" }));
    expect(packagesOf(kept).sort()).toEqual(["@img/sharp-linux-x64", "late", "next", "sharp", "vue"]);
    expect(kept).toContain(`${standalone}/node_modules/@img/sharp-linux-x64/lib/sharp-linux-x64.node`);
  });

  it("keeps data and both module formats of a package, whichever was loaded", () => {
    const certifi = "/app/node_modules/certifi";
    const twin = { import: "./index.mjs", require: "./index.cjs" };
    const tree: Tree = {
      "/app/package.json": json({ dependencies: { certifi: "1" } }),
      "/app/server.js": 'require("certifi")',
      [`${certifi}/package.json`]: json({ exports: twin }),
      [`${certifi}/index.cjs`]: "",
      [`${certifi}/index.mjs`]: "",
      [`${certifi}/cacert.pem`]: "certificates",
    };
    const given = { application: ["/app"], workdir: "/app", seen: ["/app/server.js", `${certifi}/index.cjs`] };
    const parts = ["cacert.pem", "index.cjs", "index.mjs", "package.json"];
    expect(keptBy(node, aPackContext(tree, given))).toEqual(parts.map((name) => `${certifi}/${name}`));
  });

  it("takes NODE_PATH, words of the command line, and a program that something else starts", () => {
    const context = aPackContext(
      {
        "/app/package.json": json({ dependencies: { dotenv: "1" } }),
        "/app/main.js": `require("shared")`,
        ...aPackage("/opt/modules/shared"),
        ...aPackage("/app/node_modules/dotenv"),
        ...aPackage("/opt/tool/node_modules/cli", { dependencies: { part: "1" } }),
        ...aPackage("/opt/tool/node_modules/part"),
        "/opt/icu/icudt74l.dat": "",
      },
      {
        ...app,
        seen: [],
        env: ["NODE_PATH=/opt/modules", "NODE_ICU_DATA=/opt/icu"],
        commands: [["node", "-r", "dotenv/config", "main.js"]],
      },
    );
    const kept = keptBy(node, context, ["/opt/tool/node_modules/cli/index.js"], "run");
    expect(kept.filter((path) => !path.endsWith("package.json"))).toEqual([
      "/app/node_modules/dotenv/index.js",
      "/opt/icu/icudt74l.dat",
      "/opt/modules/shared/index.js",
      "/opt/tool/node_modules/part/index.js",
    ]);
  });

  it("ends with packages that depend on each other, links in circles and manifests that are none", () => {
    const context = aPackContext(
      {
        "/app/package.json": "{ not json",
        "/app/main.js": `require("a"); require("../../x"); require("loop"); require("__proto__")`,
        ...aPackage("/app/node_modules/a", { dependencies: { b: "1", a: "1", "../../etc": "1", "": "1" } }),
        ...aPackage("/app/node_modules/b", { dependencies: { a: "1" }, peerDependencies: ["x"], exports: null }),
        "/app/node_modules/a/self": "-> .",
        "/app/node_modules/a/up": "-> ../..",
        "/app/node_modules/loop": "-> loop",
        "/app/etc/x": "",
      },
      { ...app, seen: [] },
    );
    expect(keptBy(node, context)).not.toContain("/app/etc/x");
    expect(packagesOf(keptBy(node, context))).toEqual(["a", "b"]);
  });
});
