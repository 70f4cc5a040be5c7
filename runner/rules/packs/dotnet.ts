import { createHash } from "node:crypto";
import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { chosenVersion, parseDependencies, parseRuntimeConfig } from "./dotnet-files.ts";
import { childPaths, directoryAt, fileAt, unitBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/** For debuggers, profilers and dumps, and documentation: the runtime opens them when somebody attaches. */
const notAtRunTime =
  /\/(?:libmscordaccore|libmscordbi|libcoreclrtraceptprovider|libSystem\.Native\.dbg)\.so$|\/createdump$|\.(?:pdb|xml|dbg|r2rmap|h|a)$|\/Microsoft\.DiaSymReader\.Native\.[^/]+$/;

/** Libraries that the natives of .NET open by name, any version that is there. */
const opened: readonly [RegExp, RegExp][] = [
  [/^libSystem\.Globalization\.Native\.so$/, /^libicu(?:uc|i18n|data)\.so\.\d+$/],
  [/^libSystem\.Security\.Cryptography\.Native\.OpenSsl\.so$/, /^lib(?:ssl|crypto)\.so\.[\d.]+$/],
  [/^libSystem\.Net\.Security\.Native\.so$/, /^libgssapi_krb5\.so\.2$/],
];

/** How a bundle of one file is marked, behind the offset of its header, which is zero when there is none. */
const bundleMark = createHash("sha256").update(".net core bundle\n").digest();
const maxBundleBytes = 128 << 20;

/** Directories with a `dotnet` and its frameworks: of the one that ran, and where hosts of applications look. */
const installations = oncePerWave((context): string[] => {
  const own = context.processes.map(({ exe }) => fileAt(context, exe) ?? exe).filter((exe) => exe.endsWith("/dotnet"));
  const told = ["DOTNET_ROOT", "DOTNET_ROOT_X64", "DOTNET_ROOT_ARM64"].flatMap(
    (name) => variable(context.env, name) ?? [],
  );
  const usual = ["/usr/share/dotnet", "/usr/lib/dotnet", "/usr/lib64/dotnet", "/usr/local/share/dotnet", "/opt/dotnet"];
  const places = [...own.map((exe) => posix.dirname(exe)), ...told.filter((path) => path.startsWith("/")), ...usual];
  return [...new Set(places.flatMap((path) => directoryAt(context, path) ?? []))];
});

/** A framework as a unit: which of its assemblies code loads is known only when it does. */
function framework(directory: string, by: string, context: PackContext): Wanted[] {
  return unitBelow(context, directory, by, `framework ${posix.basename(posix.dirname(directory))}`, {
    maxBytes: 512 << 20,
    accept: (path) => context.isSeen(path) || !notAtRunTime.test(path),
  });
}

/** Frameworks of which something was used, and the host that finds them. */
function runtimes(context: PackContext): Wanted[] {
  return installations(context).flatMap((root) => {
    const versions = childPaths(context, `${root}/shared`, /./).flatMap((name) => childPaths(context, name, /./));
    const used = versions.filter((directory) =>
      childPaths(context, directory, /./).some((path) => context.isSeen(path)),
    );
    const hosts = childPaths(context, `${root}/host/fxr`, /^\d/).flatMap((host) => childPaths(context, host, /\.so$/));
    const usedHosts = hosts.filter((host) => context.isSeen(host));
    return [
      ...used.flatMap((directory) => framework(directory, root, context)),
      ...(usedHosts.length > 0 || used.length === 0 ? usedHosts : hosts).map((path) =>
        byPack("rule", path, root, "dotnet host"),
      ),
    ];
  });
}

/** The frameworks that an application asks for; those in use are there already. */
function askedFrameworks(path: string, context: PackContext): Wanted[] {
  const { frameworks } = parseRuntimeConfig(context.text(path) ?? "");
  return frameworks.flatMap(({ name, version }) =>
    installations(context).flatMap((root) => {
      const directory = `${root}/shared/${name}`;
      const chosen = chosenVersion(version, context.children.get(directory) ?? []);
      const host = chosenVersion(version, context.children.get(`${root}/host/fxr`) ?? []);
      return [
        ...(chosen === undefined ? [] : framework(`${directory}/${chosen}`, path, context)),
        ...(host === undefined ? [] : [byPack("rule", `${root}/host/fxr/${host}/libhostfxr.so`, path, "dotnet host")]),
      ];
    }),
  );
}

/** Does a runtime identifier (`linux-musl-x64`) mean this image? */
const fitsImage = oncePerWave((context) => {
  const lib = [...(context.children.get("/lib") ?? []), ...(context.children.get("/lib64") ?? [])];
  const usr = [...(context.children.get("/usr/lib") ?? []), ...(context.children.get("/usr/lib64") ?? [])];
  const loaders = [...lib, ...usr].filter((name) => /^ld-(?:linux|musl)/.test(name)).join(" ");
  const isMusl = loaders.includes("musl") && !loaders.includes("linux");
  const machines: readonly [RegExp, RegExp][] = [
    [/x86[-_]64/, /x64$/],
    [/aarch64/, /arm64$/],
    [/armhf/, /arm$/],
  ];
  const machine = machines.find(([loader]) => loader.test(loaders))?.[1];
  return (rid: string): boolean => {
    if (/^(?:unix|any|linux|linux-musl)$/.test(rid)) return rid !== "linux-musl" || isMusl;
    if (/^(?:win|osx|mac|ios|tvos|android|browser|wasi|freebsd|illumos|solaris|haiku|tizen)/.test(rid)) return false;
    if (/musl|alpine/.test(rid) !== isMusl && loaders !== "") return false;
    return (
      machine === undefined ||
      machine.test(rid) ||
      !/-(?:x64|x86|arm\w*|s390x|ppc64le|mips64|loongarch64|riscv64)$/.test(rid)
    );
  };
});

/** Where the host looks for an asset: flat in the application's directory, as it lies in the package, in package directories. */
function dependencies(path: string, context: PackContext): Wanted[] {
  const directory = posix.dirname(path);
  const stem = path.replace(/\.deps\.json$/, "");
  const probing = [`${stem}.runtimeconfig.json`, `${stem}.runtimeconfig.dev.json`]
    .flatMap((config) => parseRuntimeConfig(context.text(config) ?? "").probingPaths)
    .filter((each) => each.startsWith("/"));
  const packages = [...probing, variable(context.env, "NUGET_PACKAGES") ?? "/root/.nuget/packages"];
  return parseDependencies(context.text(path) ?? "", fitsImage(context)).flatMap(({ directory: own, assets }) =>
    assets.flatMap((asset) => {
      const name = posix.basename(asset.path);
      const flat = asset.kind === "resources" ? `${posix.basename(posix.dirname(asset.path))}/${name}` : name;
      const places = [flat, asset.path].map((each) => posix.join(directory, each));
      const all = [...places, ...(own === undefined ? [] : packages.map((root) => posix.join(root, own, asset.path)))];
      const found = all.find((place) => fileAt(context, place) !== undefined);
      return found === undefined ? [] : [byPack("named", found, path, `dotnet ${asset.kind}`)];
    }),
  );
}

/** Beside a program without a dependency file every assembly may be loaded by its name. */
function besideAssembly(path: string, context: PackContext): Wanted[] {
  const stem = path.replace(/\.(?:dll|exe)$/, "");
  const own = ["deps.json", "runtimeconfig.json"].map((end) =>
    byPack("unit", `${stem}.${end}`, path, "dotnet application"),
  );
  if (!context.rootfs.has(`${stem}.runtimeconfig.json`) || context.rootfs.has(`${stem}.deps.json`)) return own;
  const beside = childPaths(context, posix.dirname(path), /\.(?:dll|so)$/);
  return [...own, ...beside.map((each) => byPack("unit", each, path, "dotnet application"))];
}

/** Programs that ran and hold an application: with its assembly beside them, or in one file with natives and settings beside. */
function programs(context: PackContext): Wanted[] {
  const places = new Set(context.processes.flatMap(({ exe }) => fileAt(context, exe) ?? []));
  return [...places].flatMap((exe) => {
    if (context.rootfs.has(`${exe}.dll`)) return [byPack("unit", `${exe}.dll`, exe, "dotnet application")];
    if (!mayBeBundle(exe, context) || !isBundle(context.content(exe, maxBundleBytes))) return [];
    const beside = childPaths(context, posix.dirname(exe), /\.(?:so|dll|json|config)$/);
    return [
      ...beside.map((path) => byPack("unit", path, exe, "dotnet bundle")),
      ...openedLibraries(
        opened.map(([, library]) => library),
        exe,
        context,
      ),
    ];
  });
}

/** Bundles are large: they are read only where something else says .NET. */
function mayBeBundle(exe: string, { env, children, rootfs }: PackContext): boolean {
  if ((rootfs.get(exe)?.size ?? 0) < 1 << 16) return false;
  const beside = children.get(posix.dirname(exe)) ?? [];
  return (
    env.some((assignment) => /^(?:DOTNET|ASPNETCORE|COMPlus)_/.test(assignment)) ||
    beside.some((name) =>
      /^appsettings(?:\.\w+)?\.json$|^libSystem\.[\w.]+\.so$|\.pdb$|\.runtimeconfig\.json$/.test(name),
    )
  );
}

function isBundle(bytes: Buffer | undefined): boolean {
  const at = bytes?.indexOf(bundleMark) ?? -1;
  return bytes !== undefined && at >= 8 && bytes.readBigUInt64LE(at - 8) > 0n;
}

/** In directories of libraries, what has one of these names; no cultures where the settings say so. */
function openedLibraries(names: readonly RegExp[], by: string, context: PackContext): Wanted[] {
  const places = [...context.children.keys()].filter((path) =>
    /^(?:\/usr)?(?:\/local)?\/lib(?:64)?(?:\/[^/]+-linux-[^/]+)?$/.test(path),
  );
  const wanted = isInvariant(context) ? names.filter((name) => !name.source.includes("icu")) : names;
  return places.flatMap((place) =>
    wanted.flatMap((name) =>
      childPaths(context, place, name).map((path) => byPack("rule", path, by, "dotnet library")),
    ),
  );
}

const isInvariant = oncePerWave((context) => {
  const told = variable(context.env, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT");
  if (told !== undefined) return /^(?:1|true)$/i.test(told);
  const configs = [...context.rootfs.keys()].filter(
    (path) => path.endsWith(".runtimeconfig.json") && context.isSeen(path),
  );
  return configs.length > 0 && configs.every((path) => parseRuntimeConfig(context.text(path) ?? "").isInvariant);
});

/** .NET: frameworks in use as units with their host, what dependency files name, libraries that natives open by name. */
export const dotnet: Pack = {
  name: "dotnet",
  seeds: (context) => [...runtimes(context), ...programs(context)],
  edges({ path, entry }, wanted, context) {
    if (entry.type !== "file" || wanted.use === "exist") return [];
    const name = posix.basename(path);
    if (name.startsWith("libSystem.")) {
      const libraries = opened.filter(([native]) => native.test(name)).map(([, library]) => library);
      return openedLibraries(libraries, path, context);
    }
    // Tools of the SDK and of test runs have such files too: of others only those that were read count.
    const isOurs =
      context.isApplication(path) || context.isSeen(path) || wanted.reason.detail?.startsWith("dotnet") === true;
    if (!isOurs || /\/(?:sdk|sdk-manifests)\/[\d.]/.test(path)) return [];
    if (name.endsWith(".deps.json")) return dependencies(path, context);
    if (name.endsWith(".runtimeconfig.json")) return askedFrameworks(path, context);
    return /\.(?:dll|exe)$/.test(name) && !path.includes("/shared/Microsoft.") ? besideAssembly(path, context) : [];
  },
};
