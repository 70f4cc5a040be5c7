import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { join, posix } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { packageDirectory, packageName, parseManifest, resolvePackage } from "./node-resolve.ts";
import { aPackContext } from "./pack.builder.ts";

describe("packageName", () => {
  it.each([
    ["moment", "moment"],
    ["lodash/fp", "lodash"],
    ["@a/b", "@a/b"],
    ["@a/b/c.js", "@a/b"],
    ["./x", undefined],
    ["../x", undefined],
    ["/x", undefined],
    ["@a", undefined],
    ["node:fs", undefined],
    ["https://x", undefined],
    ["", undefined],
    ["view engine", undefined],
    [".hidden", undefined],
    ["#internal", undefined],
  ])("%j is %j", (specifier, expected) => {
    expect(packageName(specifier)).toBe(expected);
  });
});

describe("packageDirectory", () => {
  it.each([
    ["/app/node_modules/a/b/c.js", "/app/node_modules/a"],
    ["/app/node_modules/@s/a/c.js", "/app/node_modules/@s/a"],
    ["/app/node_modules/a/node_modules/b/c.js", "/app/node_modules/a/node_modules/b"],
    ["/app/node_modules/.pnpm/a@1/node_modules/a/c.js", "/app/node_modules/.pnpm/a@1/node_modules/a"],
    ["/usr/share/nodejs/a/c.js", "/usr/share/nodejs/a"],
    ["/usr/share/nodejs/@s/a/c.js", "/usr/share/nodejs/@s/a"],
    ["/app/node_modules/.bin/x", undefined],
    ["/app/node_modules/file.js", undefined],
    ["/app/lib/c.js", undefined],
  ])("%j is in %j", (path, expected) => {
    expect(packageDirectory(path)).toBe(expected);
  });
});

describe("parseManifest", () => {
  it("takes any text", () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"exports":${json},"dependencies":${json}}`),
    );
    fc.assert(fc.property(text, (each) => Array.isArray(parseManifest(each).dependencies)));
    expect(parseManifest(`{"main":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`).entries).toEqual([]);
  });
});

describe("resolvePackage", () => {
  it("answers as node does, for every dependency of every package installed here", () => {
    const modules = join(import.meta.dirname, "../../../node_modules");
    const tree: Tree = {};
    const packages: string[] = [];
    const add = (directory: string) => {
      for (const name of readdirSync(directory)) {
        const path = `${directory}/${name}`;
        const isLink = lstatSync(path).isSymbolicLink();
        if (name.startsWith(".")) continue;
        if (name.startsWith("@") && !isLink) add(path);
        else if (isLink) tree[path] = `-> ${readlinkSync(path)}`;
        else if (existsSync(`${path}/package.json`)) {
          tree[`${path}/package.json`] = readFileSync(`${path}/package.json`, "utf8");
          packages.push(path);
          if (existsSync(`${path}/node_modules`)) add(`${path}/node_modules`);
        }
      }
    };
    add(modules);
    const context = aPackContext(tree);
    const differences: string[] = [];
    let compared = 0;
    for (const directory of packages) {
      const manifest = parseManifest(readFileSync(`${directory}/package.json`, "utf8"));
      const names = [...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies];
      for (const name of names.filter((each) => !isBuiltin(each))) {
        // Node's own list of directories: resolving the package itself fails where `exports` has no such condition.
        const lookups = createRequire(`${directory}/package.json`).resolve.paths(name) ?? [];
        const theirs = lookups.map((each) => posix.join(each, name)).find((each) => existsSync(`${each}/package.json`));
        const ours = resolvePackage(context, name, directory)?.path;
        compared++;
        if (ours !== (theirs && realpathSync(theirs)))
          differences.push(`${directory} ${name}: ${ours}, node: ${theirs}`);
      }
    }
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(50);
  });
});
