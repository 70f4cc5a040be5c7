import type { Wanted } from "../wanted.ts";
import { childPaths, filesBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { installed } from "./python-distributions.ts";
import { mayFollow, moduleGraph } from "./python-graph.ts";
import { interpreters, pythonFiles } from "./python-path.ts";
import { sourceAt } from "./python-scan.ts";
import { imported, modulesOf } from "./python-targets.ts";
import {
  commandsWanted,
  listedMetadata,
  metadataWanted,
  partOfPackage,
  unitUses,
  unitWanted,
  wheelLibraries,
} from "./python-units.ts";

/** Any of an interpreter's library was read; an embedded one (uwsgi, mod_wsgi) has no program of that name. */
const isPython = oncePerWave((context) => interpreters(context).length > 0);

function moduleWanted(context: PackContext): Wanted[] {
  return [...moduleGraph(context)].map(([path, { by }]) => {
    return byPack("script", path, by, "python import", useOfModule(path));
  });
}

/** Nothing is asked of bytecode that its source does not ask. */
const useOfModule = (path: string): Wanted["use"] => (path.endsWith(".pyc") ? "exist" : "load");

/** Tables of East Asia are loaded from extension modules; those of terminals and old systems nobody meets. */
const asian = /\/(?:big5\w*|cp9(?:32|49|50)|euc_\w+|gb\w+|hz|iso2022_\w+|johab|shift_ji\w+)\.py$/;
const oddity =
  /\/(?:mac_\w+|cp(?:037|273|424|500|720|737|775|85[3-8]|86\d|87[45]|1006|1026|1125|1140)|hp_roman8|kz1048|palmos|ptcp154|koi8_t|mbcs|oem)\.py$/;

/** Codecs are modules found by the name of an encoding, which comes from a request, a mail or a file. Their sources are enough. */
function encodings(context: PackContext): Wanted[] {
  const isCoder = isCoding(context);
  return interpreters(context).flatMap(({ library }) => {
    const sources = childPaths(context, `${library}/encodings`, /\.py$/);
    const wanted = sources.filter((path) => isCoder || !(asian.test(path) || oddity.test(path)));
    const extensions = isCoder ? childPaths(context, `${library}/lib-dynload`, /^_(?:codecs_|multibytecodec)/) : [];
    return [
      ...wanted.map((path) => byPack("rule", path, "python", "encodings", "exist")),
      ...["stringprep", "unicodedata"].flatMap((name) => loaded(context, name, `${library}/encodings/idna.py`)),
      ...extensions.map((path) => byPack("rule", path, "python", "encodings")),
    ];
  });
}

function loaded(context: PackContext, module: string, by: string): Wanted[] {
  const files = modulesOf(context, module).flatMap((each) => each.files);
  return files.map((path) => byPack("script", path, by, "python import", useOfModule(path)));
}

/** Whether the application encodes text by a name that is not written there. */
const isCoding = oncePerWave((context) =>
  pythonFiles(context).own.some((path) =>
    /\.(?:en|de)code\(\s*[A-Za-z_(]|\bcodecs\.(?:lookup|open|encode|decode|get\w+)\(|\bencoding\s*=\s*[a-z_]/.test(
      context.text(path) ?? "",
    ),
  ),
);

/** A virtual environment that was used: its configuration and the links to its interpreter. */
function environments(context: PackContext): Wanted[] {
  return pythonFiles(context).environments.flatMap((directory) => {
    const links = childPaths(context, `${directory}/bin`, /^python[\d.]*$/);
    const names = links.filter((path) => context.rootfs.get(path)?.type === "symlink");
    return [`${directory}/pyvenv.cfg`, ...names].map((path) =>
      byPack("unit", path, directory, "virtual environment", "exist"),
    );
  });
}

/** Zone tables of Python's own, where the system has none. */
function zones(context: PackContext): Wanted[] {
  const { byName, units } = installed(context);
  const tzdata = byName.get("tzdata");
  const isAsked = interpreters(context).some(({ library }) =>
    moduleGraph(context).has(`${library}/zoneinfo/__init__.py`),
  );
  if (tzdata === undefined || !isAsked || context.children.has("/usr/share/zoneinfo")) return [];
  const files = (units.get(tzdata.info) ?? []).flatMap((unit) =>
    filesBelow(context, unit, { accept: (path) => !path.endsWith(".pyc") }),
  );
  return [
    ...files.map((path) => byPack("unit", path, "zoneinfo", "time zones", "exist")),
    ...metadataWanted(context, tzdata),
  ];
}

/** Values of the build, in a module that is found by a name of the platform. */
function buildValues(context: PackContext): Wanted[] {
  return interpreters(context)
    .filter(({ library }) => moduleGraph(context).has(`${library}/sysconfig.py`))
    .flatMap(({ library }) => childPaths(context, library, /^_sysconfigdata_\w*[\w-]*\.py$/))
    .map((path) => byPack("rule", path, "sysconfig", "values of the build", "exist"));
}

function packagesWanted(context: PackContext): Wanted[] {
  const { byUnit } = installed(context);
  const uses = unitUses(context);
  const distributions = new Set(uses.flatMap(({ unit }) => byUnit.get(unit) ?? []));
  return [
    ...uses.flatMap((use) => unitWanted(context, use)),
    ...uses.flatMap(({ unit }) => (byUnit.get(unit) ?? []).flatMap((each) => wheelLibraries(context, each, unit))),
    ...[...distributions].flatMap((each) => metadataWanted(context, each)),
    ...listedMetadata(context),
    ...commandsWanted(context),
  ];
}

/**
 * Python: every import of the application and of packages that ran, of the rest what loading it imports; packages that are used
 * with their data and metadata; encodings; the virtual environment.
 */
export const python: Pack = {
  name: "python",
  seeds(context) {
    if (!isPython(context)) return [];
    return [
      ...moduleWanted(context),
      ...packagesWanted(context),
      ...encodings(context),
      ...environments(context),
      ...zones(context),
      ...buildValues(context),
    ];
  },
  /** Modules that other rules keep bring what they import when they are loaded; scripts all that they import. */
  edges({ path, entry }, { use, reason }, context) {
    const isPart = reason.detail === partOfPackage;
    if (entry.type !== "file" || (use === "exist" && !isPart) || !isPython(context)) return [];
    if (moduleGraph(context).has(path)) return [];
    const isScript = use === "run" && entry.size < 1 << 20 && /^#!.*python/.test(context.text(path, 1 << 20) ?? "");
    if (!isScript && !path.endsWith(".py")) return [];
    return sourceAt(path, context)
      .imports.filter(({ when }) => when === "module" || (isScript && when === "lazy"))
      .flatMap((each) => imported(context, path, each))
      .filter(({ files }) => isScript || mayFollow(path, isPart, files[0] ?? "", context))
      .flatMap(({ files }) => files.map((file) => byPack("script", file, path, "python import", useOfModule(file))));
  },
};
