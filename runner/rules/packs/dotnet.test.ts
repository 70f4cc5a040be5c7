import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { dotnet } from "./dotnet.ts";
import { chosenVersion, parseDependencies, parseRuntimeConfig } from "./dotnet-files.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const dependencies = (libraries: Record<string, object>, places: Record<string, string> = {}) =>
  JSON.stringify({
    runtimeTarget: { name: ".NETCoreApp,Version=v8.0" },
    targets: { ".NETCoreApp,Version=v8.0": libraries },
    libraries: Object.fromEntries(Object.entries(places).map(([name, path]) => [name, { type: "package", path }])),
  });

describe("parseDependencies", () => {
  it("reads assemblies, natives and resources, and of platforms those that fit", () => {
    const library = {
      runtime: { "lib/net8.0/A.dll": { assemblyVersion: "1.0.0.0" }, "lib/net8.0/_._": {} },
      resources: { "lib/net8.0/de/A.resources.dll": { locale: "de" } },
      runtimeTargets: {
        "runtimes/linux-x64/native/liba.so": { rid: "linux-x64", assetType: "native" },
        "runtimes/win-x64/native/a.dll": { rid: "win-x64", assetType: "native" },
        "runtimes/unix/lib/net8.0/A.dll": { rid: "unix", assetType: "runtime" },
      },
    };
    const text = dependencies({ "A/1.0.0": library }, { "A/1.0.0": "a/1.0.0" });
    expect(parseDependencies(text, (rid) => !rid.startsWith("win"))).toEqual([
      {
        directory: "a/1.0.0",
        assets: [
          { path: "lib/net8.0/A.dll", kind: "runtime" },
          { path: "lib/net8.0/de/A.resources.dll", kind: "resources" },
          { path: "runtimes/linux-x64/native/liba.so", kind: "native" },
          { path: "runtimes/unix/lib/net8.0/A.dll", kind: "runtime" },
        ],
      },
    ]);
  });

  it("reads nothing from what is damaged or has another shape, and never fails", () => {
    for (const text of ["", "{", "[]", "null", '{"targets":[1]}', '{"targets":{"a":{"b":null}}}'])
      expect(parseDependencies(text, () => true)).toEqual([]);
    fc.assert(
      fc.property(fc.json(), (text) => {
        parseDependencies(`{"targets":{"x":${text}},"libraries":${text}}`, () => true);
        parseRuntimeConfig(`{"runtimeOptions":${text}}`);
      }),
    );
  });
});

it("parseRuntimeConfig reads frameworks, probing paths and the invariant switch, behind a byte-order mark too", () => {
  const options = {
    frameworks: [
      { name: "Microsoft.NETCore.App", version: "8.0.0" },
      { name: "Microsoft.AspNetCore.App", version: "8.0.0" },
    ],
    additionalProbingPaths: "/packages",
    configProperties: { "System.Globalization.Invariant": true },
  };
  expect(parseRuntimeConfig(`\uFEFF${JSON.stringify({ runtimeOptions: options })}`)).toEqual({
    frameworks: options.frameworks,
    probingPaths: ["/packages"],
    isInvariant: true,
  });
});

it.each([
  ["8.0.0", ["8.0.2", "8.0.11", "9.0.0"], "8.0.11"],
  ["6.0.0", ["8.0.2", "9.0.0"], "9.0.0"],
  ["8.0.0", [], undefined],
])("chosenVersion takes for %s of %j %s", (asked, installed, expected) => {
  expect(chosenVersion(asked, installed)).toBe(expected);
});

const root = "/usr/share/dotnet";
const core = `${root}/shared/Microsoft.NETCore.App/8.0.11`;
const runtime: Tree = {
  [`${root}/dotnet`]: Buffer.from("elf"),
  "/usr/bin/dotnet": `-> ${root}/dotnet`,
  [`${root}/host/fxr/8.0.11/libhostfxr.so`]: Buffer.from("elf"),
  [`${core}/System.Private.CoreLib.dll`]: "il",
  [`${core}/System.Xml.dll`]: "il",
  [`${core}/libcoreclr.so`]: Buffer.from("elf"),
  [`${core}/libhostpolicy.so`]: Buffer.from("elf"),
  [`${core}/libSystem.Globalization.Native.so`]: Buffer.from("elf"),
  [`${core}/libmscordbi.so`]: Buffer.from("elf"),
  [`${core}/createdump`]: Buffer.from("elf"),
  [`${core}/Microsoft.NETCore.App.deps.json`]: "{}",
  [`${root}/shared/Microsoft.NETCore.App/6.0.1/System.Xml.dll`]: "il",
  [`${root}/shared/Microsoft.AspNetCore.App/8.0.11/Microsoft.AspNetCore.dll`]: "il",
  [`${root}/sdk/8.0.100/MSBuild.dll`]: "il",
  "/lib64/ld-linux-x86-64.so.2": Buffer.from("elf"),
  "/usr/lib/x86_64-linux-gnu/libicuuc.so.72": Buffer.from("elf"),
  "/usr/lib/x86_64-linux-gnu/libicudata.so.72": Buffer.from("elf"),
};

type Given = { seen?: string[]; used?: string[]; env?: string[]; exe?: string };

function kept(tree: Tree, { seen = [], used = seen, env = [], exe = "/usr/bin/dotnet" }: Given = {}): string[] {
  const processes = [{ exe, argv: [exe] }];
  const context = aPackContext(
    { ...runtime, ...tree },
    { seen, env, processes, application: ["/app"], workdir: "/app" },
  );
  return keptBy(dotnet, context, used).filter((path) => context.rootfs.get(path)?.type === "file");
}
const used = `${core}/System.Private.CoreLib.dll`;

describe("dotnet", () => {
  it("keeps a framework in use as a unit with its host, without what debuggers need, and what its natives open", () => {
    expect(kept({}, { seen: [used] })).toEqual([
      "/usr/lib/x86_64-linux-gnu/libicudata.so.72",
      "/usr/lib/x86_64-linux-gnu/libicuuc.so.72",
      `${root}/host/fxr/8.0.11/libhostfxr.so`,
      `${core}/Microsoft.NETCore.App.deps.json`,
      `${core}/System.Xml.dll`,
      `${core}/libSystem.Globalization.Native.so`,
      `${core}/libcoreclr.so`,
      `${core}/libhostpolicy.so`,
    ]);
    expect(kept({})).toEqual([]);
  });

  it("keeps no ICU where cultures are switched off", () => {
    const invariant = {
      "/app/a.runtimeconfig.json": '{"runtimeOptions":{"configProperties":{"System.Globalization.Invariant":true}}}',
    };
    const icu = (paths: string[]) => paths.filter((path) => path.includes("libicu"));
    expect(icu(kept({}, { seen: [used], env: ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1"] }))).toEqual([]);
    expect(icu(kept(invariant, { seen: [used, "/app/a.runtimeconfig.json"] }))).toEqual([]);
  });

  it("keeps the frameworks that an application asks for", () => {
    const config = { runtimeOptions: { framework: { name: "Microsoft.AspNetCore.App", version: "8.0.0" } } };
    const names = kept(
      { "/app/a.dll": "il", "/app/a.deps.json": "{}", "/app/a.runtimeconfig.json": JSON.stringify(config) },
      { used: ["/app/a.dll"] },
    );
    expect(names).toEqual([
      "/app/a.deps.json",
      "/app/a.runtimeconfig.json",
      `${root}/host/fxr/8.0.11/libhostfxr.so`,
      `${root}/shared/Microsoft.AspNetCore.App/8.0.11/Microsoft.AspNetCore.dll`,
    ]);
  });

  it("keeps what a dependency file names, where the host looks for it: flat, by platform, in package directories", () => {
    const text = dependencies(
      {
        "A/1": {
          runtime: { "lib/net8.0/A.dll": {} },
          resources: { "lib/net8.0/de/A.resources.dll": { locale: "de" } },
        },
        "B/1": {
          runtimeTargets: Object.fromEntries(
            ["linux-x64", "linux-musl-x64", "linux-arm64", "osx-x64"].map((rid) => [
              `runtimes/${rid}/native/b.so`,
              { rid, assetType: "native" },
            ]),
          ),
        },
        "C/1": { native: { "runtimes/linux/c.so": {} } },
      },
      { "C/1": "c/1" },
    );
    const files =
      "A.dll de/A.resources.dll runtimes/linux-x64/native/b.so runtimes/linux-musl-x64/native/b.so runtimes/linux-arm64/native/b.so runtimes/osx-x64/native/b.so Unrelated.dll";
    const tree = {
      ...Object.fromEntries(files.split(" ").map((name) => [`/app/${name}`, "x"])),
      "/app/a.deps.json": text,
      "/app/a.runtimeconfig.dev.json": '{"runtimeOptions":{"additionalProbingPaths":["/packages"]}}',
      "/packages/c/1/runtimes/linux/c.so": "x",
    };
    expect(kept(tree, { used: ["/app/a.deps.json"] })).toEqual([
      "/app/A.dll",
      "/app/de/A.resources.dll",
      "/app/runtimes/linux-x64/native/b.so",
      "/packages/c/1/runtimes/linux/c.so",
    ]);
  });

  it("takes every assembly beside a program that has no dependency file", () => {
    const tree = { "/app/a.dll": "il", "/app/a.runtimeconfig.json": "{}", "/app/b.dll": "il", "/app/readme": "text" };
    expect(kept(tree, { used: ["/app/a.dll"] })).toEqual(["/app/a.runtimeconfig.json", "/app/b.dll"]);
    expect(kept({ ...tree, "/app/a.deps.json": "damaged" }, { used: ["/app/a.dll"] })).not.toContain("/app/b.dll");
  });

  it("finds the assembly of a host with the application's name", () => {
    const tree = { "/srv/shop": Buffer.from("elf"), "/srv/shop.dll": "il", "/srv/shop.deps.json": "{}" };
    expect(kept(tree, { exe: "/srv/shop" })).toEqual(["/srv/shop.deps.json", "/srv/shop.dll"]);
  });

  it("keeps natives and settings beside a bundle of one file, and ICU", () => {
    // From dotnet/runtime, src/native/corehost/apphost/bundle_marker.c.
    const mark = Buffer.from("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae", "hex");
    const bundle = (offset: number) =>
      Buffer.concat([Buffer.alloc(1 << 16), Buffer.from([offset, 0, 0, 0, 0, 0, 0, 0]), mark]);
    const beside = { "/srv/appsettings.json": "{}", "/srv/libsql.so": "elf", "/srv/notes.txt": "text" };
    const names = kept({ ...beside, "/srv/shop": bundle(5) }, { exe: "/srv/shop" });
    expect(names.filter((path) => path.startsWith("/srv"))).toEqual(["/srv/appsettings.json", "/srv/libsql.so"]);
    expect(names).toContain("/usr/lib/x86_64-linux-gnu/libicudata.so.72");
    expect(kept({ ...beside, "/srv/shop": bundle(0) }, { exe: "/srv/shop" })).toEqual([]);
  });
});
