import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "#api/root.ts";

/** Which other folders the code of a folder may import (DESIGN.md, section 2). */
const law: Record<string, readonly string[]> = {
  contract: [],
  api: ["contract"],
  runner: ["contract"],
  cli: ["contract", "api", "runner"],
  web: ["contract"],
  test: ["contract", "api", "runner", "cli", "web"],
};

/** What `contract` may import from outside, as it crosses every process boundary; its tests may use the test tools. */
const contractPackages = ["zod"];
const testPackages = ["vitest", "fast-check"];

const forms = [
  /^\s*(?:import|export)\s(?:[^;"'`]*?\sfrom\s*)?["']([^"']+)["']/gm, // import x from "a"; export * from "a"; import "a"
  /\bimport\(\s*["'`]([^"'`$]+)["'`]/g, // await import("a"), import("a").Type
  /\brequire\(\s*["'`]([^"'`$]+)["'`]/g,
];

/** The specifiers of all imports in a source, types included. */
function importsOf(source: string): string[] {
  return forms.flatMap((form) => [...source.matchAll(form)].map((match) => match[1] ?? ""));
}

/** Why an import of the file at `path` (from the root, with slashes) breaks the law; undefined when it does not. */
function faultOf(path: string, specifier: string): string | undefined {
  const from = path.slice(0, path.indexOf("/"));
  if (specifier.startsWith(".")) {
    const [to = ""] = posix.join(posix.dirname(path), specifier).split("/");
    return to === from ? undefined : `${path} leaves its folder by ${specifier}: write #${to}/...`;
  }
  if (specifier.startsWith("#")) {
    const [to = ""] = specifier.slice(1).split("/");
    return to === from || law[from]?.includes(to)
      ? undefined
      : `${path} imports ${specifier}: ${from} may not know ${to}`;
  }
  const isTest = path.endsWith(".test.ts");
  const packages = isTest ? [...contractPackages, ...testPackages] : contractPackages;
  if (from === "contract" && !packages.includes(specifier)) {
    return `${path} imports ${specifier}: contract may only know ${contractPackages.join(", ")}`;
  }
  return undefined;
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(projectRoot(), folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.name === "node_modules" || path === "test/images" || path === "test/real") return [];
    if (entry.isDirectory()) return sourcesBelow(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

describe("the import law", () => {
  it.each(Object.keys(law).filter((folder) => readdirSync(projectRoot()).includes(folder)))("holds in %s", (folder) => {
    const faults = sourcesBelow(folder).flatMap((path) => {
      const source = readFileSync(join(projectRoot(), path), "utf8");
      return importsOf(source).map((specifier) => faultOf(path, specifier));
    });
    expect(faults.filter(Boolean)).toEqual([]);
  });

  it("is looked for in the files that there are", () => {
    expect(sourcesBelow("api")).toContain("api/db/submit-job.ts");
    expect(importsOf(readFileSync(join(projectRoot(), "api/db/submit-job.ts"), "utf8"))).toContain("#contract/job.ts");
  });
});

describe("an import", () => {
  it.each([
    ['import { a } from "./one.ts";', "./one.ts"],
    ['import {\n  a,\n  type B,\n} from "./one.ts";', "./one.ts"],
    ['import type { A } from "./one.ts";', "./one.ts"],
    ['import "./one.ts";', "./one.ts"],
    ['export * from "./one.ts";', "./one.ts"],
    ['export { a } from "./one.ts";', "./one.ts"],
    ['const one = await import("./one.ts");', "./one.ts"],
    ['type A = import("./one.ts").A;', "./one.ts"],
    ["const one = require('./one.ts');", "./one.ts"],
  ])("is seen in %j", (source, specifier) => {
    expect(importsOf(source)).toEqual([specifier]);
  });

  it.each([
    ["api/db/open.ts", "#runner/deps.ts"],
    ["api/db/open.ts", "../../runner/deps.ts"],
    ["runner/pipeline.ts", "#api/db/open.ts"],
    ["runner/pipeline.ts", "#cli/main.ts"],
    ["web/app.tsx", "#api/db/open.ts"],
    ["contract/job.ts", "#api/db/open.ts"],
    ["contract/job.ts", "pino"],
    ["contract/job.ts", "node:fs"],
    ["contract/job.ts", "vitest"],
    ["cli/main.ts", "../runner/pipeline.ts"],
    ["cli/main.ts", "#web/app.tsx"],
  ])("of %s from %s breaks the law", (path, specifier) => {
    expect(faultOf(path, specifier)).toBeTypeOf("string");
  });

  it.each([
    ["api/db/open.ts", "../store/key.ts"],
    ["api/db/open.ts", "#contract/job.ts"],
    ["cli/main.ts", "#runner/pipeline.ts"],
    ["runner/pipeline.ts", "pino"],
    ["contract/job.ts", "zod"],
    ["contract/job.test.ts", "vitest"],
    ["test/e2e/slim.test.ts", "#cli/program.ts"],
  ])("of %s from %s is within it", (path, specifier) => {
    expect(faultOf(path, specifier)).toBeUndefined();
  });
});
