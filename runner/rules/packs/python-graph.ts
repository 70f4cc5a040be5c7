import { namedPlugins } from "./ansible-collections.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { installed, isTool, requirements, unitOf } from "./python-distributions.ts";
import { edgesOf, type Level } from "./python-edges.ts";
import { type Module, sourceOf } from "./python-modules.ts";
import { mainUnits, namedModules } from "./python-named.ts";
import { isStandard, pythonFiles } from "./python-path.ts";
import { isFrozen, isRare } from "./python-standard.ts";
import { modulesOf } from "./python-targets.ts";

const rank: Readonly<Record<Level, number>> = { reached: 1, used: 2, own: 3 };

/** A file of a module that may be imported, and who imports it. */
export type ModuleNode = { level: Level; by: string };

/** The files of modules that the application may import, by path as they are found, with who imports them. */
export const moduleGraph = oncePerWave((context): ReadonlyMap<string, ModuleNode> => {
  const graph = new Map<string, ModuleNode>();
  const todo: string[] = [];
  const used = new Set<string>();
  const refused = new Map<string, (() => void)[]>();
  const { own, seen } = pythonFiles(context);
  const owners = (unit: string) => (installed(context).byUnit.get(unit) ?? []).map(({ info }) => info);
  const isUsed = (unit: string) => used.has(unit) || owners(unit).some((info) => used.has(info));

  const add = (path: string, node: ModuleNode) => {
    const known = graph.get(path);
    if (known && rank[known.level] >= rank[node.level]) return;
    graph.set(path, known ? { ...known, level: node.level } : node);
    if (/\.(?:py|so)$/.test(path)) todo.push(path);
    const unit = unitOf(path, context);
    if (unit === undefined || isTool(unit) || used.has(unit)) return;
    for (const each of [unit, ...owners(unit)]) used.add(each);
    for (const retry of refused.get(unit) ?? []) retry();
    refused.delete(unit);
  };
  const seenUnits = new Set(seen.map((path) => unitOf(path, context)));
  const reach = (modules: readonly Module[], from: string, level: Level, isPlain = false) => {
    const own = unitOf(from, context);
    // A package that the application asks for and that did not run is taken as if it had: all its own late imports count.
    const isAsked = own !== undefined && !seenUnits.has(own) && graph.get(from)?.level !== "reached";
    for (const { files } of modules) {
      const [first] = files;
      if (first === undefined) continue;
      if (!mayEnter(from, first, context, isUsed) && !(isPlain && isOfOther(first, context))) {
        const unit = unitOf(first, context);
        if (unit !== undefined && !isTool(unit))
          (refused.get(unit) ?? refused.set(unit, []).get(unit))?.push(() => reach(modules, from, level, isPlain));
        return;
      }
      if (isFrozen(first, context)) continue;
      const reached = isAsked && unitOf(first, context) === own ? "used" : level;
      for (const file of files) add(file, { level: reached, by: from });
    }
  };

  for (const path of own) add(path, { level: "own", by: "application" });
  for (const path of mainSources(context)) add(path, { level: "own", by: "application" });
  for (const path of seen) {
    const source = context.rootfs.has(sourceOf(path)) ? sourceOf(path) : path;
    add(source, { level: isStandard(context, path) ? "reached" : "used", by: path });
  }
  for (const { module, by } of namedModules(context)) reach(modulesOf(context, module), by, "used");
  for (const path of todo) {
    // `todo` grows as we walk it
    const node = graph.get(path);
    if (node)
      for (const [modules, level, isPlain] of edgesOf(context, path, node.level)) reach(modules, path, level, isPlain);
  }
  return graph;
});

/** The application's own code, also where it was installed as a distribution. */
function mainSources(context: PackContext): string[] {
  return mainUnits(context).flatMap((unit) => {
    if (unit.endsWith(".py")) return [unit];
    const found: string[] = [];
    const todo = [unit];
    for (const at of todo) {
      for (const name of context.children.get(at) ?? []) {
        const path = `${at}/${name}`;
        if (/^(?:tests?|__pycache__)$/.test(name)) continue;
        if (context.rootfs.get(path)?.type === "directory") todo.push(path);
        else if (name.endsWith(".py")) found.push(path);
      }
    }
    return found.slice(0, 20_000);
  });
}

/** A distribution that is no tool: what an import that no one can avoid names is needed, declared or not. */
function isOfOther(path: string, context: PackContext): boolean {
  const unit = unitOf(path, context);
  return unit !== undefined && !isTool(unit);
}

/** May what is in one file lead to another? Into a third-party package only when that is used, or a declared requirement. */
function mayEnter(from: string, to: string, context: PackContext, isUsed: (unit: string) => boolean): boolean {
  const target = unitOf(to, context);
  const isOurs = isApplicationSource(from, context);
  if (target === undefined) return isOurs || !isStandard(context, to) || !isRare(to, context);
  const own = unitOf(from, context);
  if (own === target) return true;
  if (isTool(target)) return isOurs && own === undefined;
  if (isUsed(target)) return true;
  if (isOurs && (own === undefined || pluginSet(context).has(from))) return true;
  const { byUnit } = installed(context);
  const [mine, theirs] = [byUnit.get(own ?? "") ?? [], byUnit.get(target) ?? []];
  return mine.some(({ info }) =>
    theirs.some((each) => each.info === info || requirements(info, context).has(each.name)),
  );
}

function isApplicationSource(path: string, context: PackContext): boolean {
  return unitOf(path, context) === undefined
    ? !isStandard(context, path)
    : mainUnitSet(context).has(unitOf(path, context) ?? "");
}

const mainUnitSet = oncePerWave((context) => new Set(mainUnits(context)));

/** Plugins that the application names declare no requirements of their own. */
const pluginSet = oncePerWave((context) => new Set(namedPlugins(context).map(({ path }) => path)));

/** May a file that no import reaches lead to this one? Into the standard library, and into packages that are needed
 * anyway; from a part of a package not into itself, because it is kept whole. */
export function mayFollow(from: string, isPart: boolean, path: string, context: PackContext): boolean {
  if (isStandard(context, path)) return !isRare(path, context) && !isFrozen(path, context);
  const unit = unitOf(path, context);
  return (
    unit !== undefined &&
    !(isPart && unit === unitOf(from, context)) &&
    path.endsWith(".py") &&
    unitsInGraph(context).has(unit)
  );
}

const unitsInGraph = oncePerWave(
  (context) => new Set([...moduleGraph(context).keys()].map((path) => unitOf(path, context))),
);
