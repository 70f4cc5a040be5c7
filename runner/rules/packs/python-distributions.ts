import { posix } from "node:path";
import { perPath } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { sourceOf } from "./python-modules.ts";
import { interpreters, isRegularPackage, siteOf } from "./python-path.ts";

/** An installed distribution: what `pip list` shows. `name` is normalized (PEP 503), `info` its metadata, a directory or a file. */
export type Distribution = { name: string; info: string; site: string };

const maxRecordBytes = 8 << 20;

/** `Foo.Bar_baz` is `foo-bar-baz`. */
export const normalName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, "-");

/**
 * The package or module directly in a site that a file belongs to: `/site/PIL`, `/site/six.py`. In a namespace package it is
 * the first regular one: `/site/google/cloud/storage`. Undefined for what is in no site.
 */
export const unitOf = perPath((path, context): string | undefined => {
  const source = sourceOf(path);
  const site = siteOf(context, source);
  if (site === undefined) return undefined;
  let unit = site;
  for (const name of source.slice(site.length + 1).split("/")) {
    unit = `${unit}/${name}`;
    if (context.rootfs.get(unit)?.type !== "directory" || isRegularPackage(context, unit)) return unit;
  }
  return unit;
});

const distributions = oncePerWave((context): Distribution[] => {
  const sites = new Set(interpreters(context).flatMap((each) => each.sites));
  return [...sites].flatMap((site) =>
    (context.children.get(site) ?? []).flatMap((file) => {
      const egg = file === "EGG-INFO" ? posix.basename(site) : undefined;
      const name = egg?.split("-")[0] ?? /^([^-]+)(?:-.*)?\.(?:dist|egg)-info$/.exec(file)?.[1];
      return name === undefined ? [] : [{ name: normalName(name), info: `${site}/${file}`, site }];
    }),
  );
});

/** Text of a file of a distribution's metadata; undefined as in `PackContext.text`. */
export function infoText(context: PackContext, { info }: Distribution, file: string): string | undefined {
  return context.text(`${info}/${file}`, maxRecordBytes);
}

/** What a distribution installed into its site, as units: by its list of top names, else by its record, else by its name. */
function unitsIn(context: PackContext, distribution: Distribution): string[] {
  const { site, name } = distribution;
  const tops = (infoText(context, distribution, "top_level.txt") ?? "").split("\n").map((line) => line.trim());
  const named = tops.filter((top) => /^\w+$/.test(top)).flatMap((top) => topPaths(context, site, top));
  const isNamespace = (path: string) =>
    context.rootfs.get(path)?.type === "directory" && !isRegularPackage(context, path);
  if (named.length > 0 && !named.some(isNamespace)) return named;
  const record = infoText(context, distribution, "RECORD") ?? "";
  const files = record.split("\n").map((line) => line.split(",")[0] ?? "");
  const units = files
    .filter((file) => /\.(?:py|so)$/.test(file) && !file.startsWith("."))
    .flatMap((file) => unitOf(`${site}/${file}`, context) ?? []);
  if (units.length > 0) return [...new Set(units)];
  return named.length > 0 ? named : topPaths(context, site, name.replaceAll("-", "_"));
}

function topPaths({ rootfs, children }: PackContext, site: string, top: string): string[] {
  const plain = [`${site}/${top}`, `${site}/${top}.py`].filter((path) => rootfs.has(path));
  if (plain.length > 0) return plain;
  const start = `${top}.`;
  return (children.get(site) ?? [])
    .filter((name) => name.startsWith(start) && name.endsWith(".so"))
    .map((name) => `${site}/${name}`);
}

/** The installed distributions by name and by unit, which several may share: `mlflow` and `mlflow-skinny`. */
export const installed = oncePerWave((context) => {
  const byUnit = new Map<string, Distribution[]>();
  const byName = new Map<string, Distribution>();
  const units = new Map<string, string[]>();
  for (const each of distributions(context)) {
    if (!byName.has(each.name)) byName.set(each.name, each);
    const own = unitsIn(context, each);
    units.set(each.info, own);
    for (const unit of own) byUnit.set(unit, [...(byUnit.get(unit) ?? []), each]);
  }
  return { byUnit, byName, units };
});

/** Normal names of the distributions that one declares to need, without those of its extras. */
export const requirements = perPath((info, context): ReadonlySet<string> => {
  const metadata = context.text(`${info}/METADATA`, maxRecordBytes) ?? context.text(`${info}/PKG-INFO`, maxRecordBytes);
  const header = (metadata ?? "").split(/\r?\n\r?\n/, 1)[0] ?? "";
  const declared = header
    .split("\n")
    .filter((line) => /^Requires-Dist:/i.test(line) && !/;.*\bextra\s*==/.test(line))
    .map((line) => line.slice(line.indexOf(":") + 1));
  const listed = (context.text(`${info}/requires.txt`, 1 << 20) ?? "").split(/^\[/m, 1)[0] ?? "";
  const names = [...declared, ...listed.split("\n")].map((line) => /^\s*([\w.-]+)/.exec(line)?.[1] ?? "");
  return new Set(names.filter((name) => name !== "").map(normalName));
});

export type EntryPoint = { group: string; name: string; module: string };

/** What `entry_points.txt` says (importlib.metadata): `name = module:attribute [extras]` in groups. */
export function parseEntryPoints(text: string): EntryPoint[] {
  const found: EntryPoint[] = [];
  let group = "";
  for (const line of text.split(/\r?\n/)) {
    group = /^\s*\[([^\]]+)\]/.exec(line)?.[1]?.trim() ?? group;
    const [, name, module] = /^\s*([^#;[=\s][^=]*?)\s*=\s*([\w.]+)/.exec(line) ?? [];
    if (name !== undefined && module !== undefined && group !== "") found.push({ group, name, module });
  }
  return found;
}

/** The entry points of a distribution. */
export const entryPointsOf = perPath((info, context) =>
  parseEntryPoints(context.text(`${info}/entry_points.txt`, 1 << 20) ?? ""),
);

/** Tools that install: nothing that runs an application needs them by a mention. */
const tools =
  /^(?:pip|setuptools|wheel|pkg_resources|_distutils_hack|pytest|_pytest|nose|hypothesis|mypy|cython|Cython)$/;

/** Whether a package of a site is a tool that installs or tests. */
export const isTool = (unit: string): boolean => tools.test(posix.basename(unit).replace(/\..*$/, ""));
