import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { r, rDependencies, rPackages } from "./r.ts";

describe("rPackages", () => {
  it.each([
    ["library(httpuv); require('R6')", ["httpuv", "R6"]],
    ['if (requireNamespace("yaml", quietly = TRUE)) x', ["yaml"]],
    ["y <- jsonlite::toJSON(x) + data.table:::inner(x)", ["jsonlite", "data.table"]],
    ["# library(no)\nprint('x') # no::no", []],
    ["mylibrary(no); a::1; library(); http://x", []],
  ])("reads %j", (text, expected) => {
    expect(rPackages(text)).toEqual(expected);
  });

  it("never fails, and takes little time for hostile text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        rPackages(text);
        rDependencies(text);
      }),
    );
    for (const part of ["library(", "a::", "aaaaaaaa", "\n "]) {
      rPackages(part.repeat(500_000 / part.length));
      rDependencies(part.repeat(500_000 / part.length));
    }
  }, 20_000);
});

it("rDependencies reads what a package needs to be loaded, over several lines", () => {
  const text =
    "Package: a\nDepends: R (>= 3.5),\n  methods\nImports: Rcpp (>= 1.0.7), later\nLinkingTo: BH\nSuggests: testthat\n";
  expect(rDependencies(text)).toEqual(["methods", "Rcpp", "later"]);
});

const home = "/usr/lib/R";
const site = "/usr/local/lib/R/site-library";

/** An installed package. */
const aPackage = (library: string, name: string, description = ""): Tree => ({
  [`${library}/${name}/DESCRIPTION`]: `Package: ${name}\n${description}`,
  [`${library}/${name}/Meta/package.rds`]: "x",
  [`${library}/${name}/R/${name}.rdb`]: "x",
  [`${library}/${name}/libs/${name}.so`]: "elf",
  [`${library}/${name}/help/AnIndex`]: "x",
  [`${library}/${name}/include/${name}.h`]: "x",
});

const tree: Tree = {
  ...aPackage(`${home}/library`, "base"),
  ...aPackage(`${home}/library`, "compiler"),
  ...aPackage(`${home}/library`, "tools"),
  ...aPackage(`${home}/library`, "MASS"),
  ...aPackage(site, "httpuv", "Imports: later\n"),
  ...aPackage(site, "later"),
  ...aPackage(site, "yaml", "Suggests: MASS\n"),
  [`${home}/modules/lapack.so`]: "elf",
  [`${home}/modules/R_X11.so`]: "elf",
  [`${home}/etc/Renviron`]: "-> /etc/R/Renviron",
  "/etc/R/Renviron": "x",
  "/app/server.R": "library(httpuv)\nlate <- function() yaml::as.yaml(1)",
};
const given = {
  application: ["/app"],
  processes: [{ exe: `${home}/bin/exec/R`, argv: ["R", "--file=server.R"] }],
  seen: [`${home}/library/base/R/base.rdb`],
};
const packagesOf = (paths: string[]) =>
  [...new Set(paths.flatMap((path) => /library\/([^/]+)\//.exec(path)?.[1] ?? []))].sort();

describe("r", () => {
  it("keeps packages that were loaded or that sources name, with what these import, and no others", () => {
    const kept = keptBy(r, aPackContext(tree, given));
    expect(packagesOf(kept)).toEqual(["base", "compiler", "httpuv", "later", "tools", "yaml"]);
    expect(kept.filter((path) => path.includes("/yaml/"))).toEqual(
      ["DESCRIPTION", "Meta/package.rds", "R/yaml.rdb", "libs/yaml.so"].map((name) => `${site}/yaml/${name}`),
    );
  });

  it("keeps the settings of R through their links, and the modules that it opens by name, without a screen", () => {
    const kept = keptBy(r, aPackContext(tree, given));
    expect(kept.filter((path) => !path.includes("library/"))).toEqual([
      "/etc/R/Renviron",
      `${home}/etc/Renviron`,
      `${home}/modules/lapack.so`,
    ]);
  });

  it("keeps nothing where no R ran", () => {
    expect(keptBy(r, aPackContext(tree, { ...given, processes: [] }))).toEqual([]);
  });
});
