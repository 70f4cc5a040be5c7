/** What one runtime asset of an application is: an assembly, a native library, or a resource of one culture. */
export type Asset = { path: string; kind: "runtime" | "native" | "resources" };

/** A library of `*.deps.json`: where it lies in a package directory, and what of it is loaded. */
export type Library = { directory: string | undefined; assets: Asset[] };

const maxAssets = 20_000;

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const members = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : []);

function parsed(text: string): Json {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    return isObject(value) ? value : {};
  } catch {
    return {}; // the host refuses it too
  }
}

/** Assets of all targets of a dependency file; of those for one platform only what `fits` its runtime identifier. */
export function parseDependencies(text: string, fits: (rid: string) => boolean): Library[] {
  const { targets, libraries } = parsed(text);
  const places = new Map(members(libraries));
  const found: Library[] = [];
  let count = 0;
  for (const [name, library] of members(targets).flatMap(([, target]) => members(target))) {
    if (!isObject(library)) continue;
    const assets = (["runtime", "native", "resources"] as const).flatMap((kind) =>
      members(library[kind]).map(([path]): Asset => ({ path, kind })),
    );
    for (const [path, target] of members(library.runtimeTargets)) {
      if (!isObject(target) || !fits(String(target.rid))) continue;
      assets.push({ path, kind: target.assetType === "native" ? "native" : "runtime" });
    }
    const place = places.get(name);
    const directory = isObject(place) && typeof place.path === "string" ? place.path : undefined;
    count += assets.length;
    if (count > maxAssets) break;
    found.push({ directory, assets: assets.filter(({ path }) => !path.endsWith("/_._")) });
  }
  return found;
}

export type RuntimeConfig = {
  frameworks: { name: string; version: string }[];
  probingPaths: string[];
  /** Cultures are those of no language: ICU is not asked. */
  isInvariant: boolean;
};

/** Reads `*.runtimeconfig.json`, and `*.runtimeconfig.dev.json`. */
export function parseRuntimeConfig(text: string): RuntimeConfig {
  const options = parsed(text).runtimeOptions;
  if (!isObject(options)) return { frameworks: [], probingPaths: [], isInvariant: false };
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const named = [options.framework, ...list(options.frameworks), ...list(options.includedFrameworks)];
  const properties = isObject(options.configProperties) ? options.configProperties : {};
  const own = options.additionalProbingPaths;
  return {
    frameworks: named.flatMap((each) =>
      isObject(each) && typeof each.name === "string" ? [{ name: each.name, version: String(each.version ?? "") }] : [],
    ),
    probingPaths: (typeof own === "string" ? [own] : list(own)).filter((path) => typeof path === "string"),
    isInvariant: String(properties["System.Globalization.Invariant"]) === "true",
  };
}

/** The version of `installed` that the host takes for the one that is asked: the same major, as new as possible. */
export function chosenVersion(asked: string, installed: readonly string[]): string | undefined {
  const numbers = (version: string) => version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  const compare = (a: string, b: string) => {
    const [left, right] = [numbers(a), numbers(b)];
    return left.reduce((order, number, at) => order || number - (right[at] ?? 0), 0);
  };
  const sorted = installed.filter((version) => /^\d/.test(version)).sort(compare);
  return sorted.findLast((version) => numbers(version)[0] === numbers(asked)[0]) ?? sorted.at(-1);
}
