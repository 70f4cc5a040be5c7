import { posix } from "node:path";
import { namedPlugins } from "./ansible-collections.ts";
import { fileAt } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { installed, unitOf } from "./python-distributions.ts";
import { pythonImports } from "./python-imports.ts";
import { findDotted, findModule } from "./python-modules.ts";
import { applicationRoots, interpreters, pythonFiles } from "./python-path.ts";

/** Words of a command that are no module although they look like one: files, addresses, versions. */
const noModule = /^\d|\.(?:py[cz]?|sock|pid|log|conf|cfg|ini|json|ya?ml|toml|txt|sqlite3?|db|html|local(?:host)?)$/;

const moduleWord = /^([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::[A-Za-z_][\w.]*(?:\(.*\))?)?$/;

/** Programs that serve somebody else's application: where they come from is not the application. */
const launchers =
  /^(?:gunicorn|uvicorn|hypercorn|daphne|waitress|celery|dramatiq|rq|flask|django|uwsgi|supervisor|pip|pytest|honcho|circus|watchdog|meinheld|chaussette|granian|twisted|tornado)$/;

/** A module that something outside of the code names, and who. */
export type NamedModule = { module: string; by: string };

/**
 * Modules named in commands (`uvicorn app:app`, `-m pkg`, `--worker-class pkg.Class`), in the environment
 * (`DJANGO_SETTINGS_MODULE`) and in the application's configuration (`class=logging.handlers.WatchedFileHandler`).
 */
export const namedModules = oncePerWave((context): NamedModule[] => {
  const configured = pythonFiles(context).configuration.flatMap((path) => {
    const words = context.text(path, 256 << 10)?.match(/[A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){1,10}(?::\w{1,80})?/g);
    return inWords((words ?? []).slice(0, 2000), path).filter(({ module }) => module.includes("."));
  });
  return [
    ...context.processes.flatMap(({ argv }) => inWords(argv.slice(1), argv[0] ?? "command")),
    ...context.commands.flatMap((words) => inWords(words.slice(1), words[0] ?? "command")),
    ...context.env.flatMap((each) => inWords(each.slice(each.indexOf("=") + 1).split(/\s+/), "environment")),
    ...configured,
  ];
});

function inWords(words: readonly string[], by: string): NamedModule[] {
  return words.flatMap((word, at) => {
    const value = word.replace(/^--?[\w-]+=/, "");
    const module = value.length > 300 || noModule.test(value) ? undefined : moduleWord.exec(value)?.[1];
    if (module === undefined) return [];
    // One plain word is a module only where a module is expected.
    const isExpected = value.includes(":") || value.includes(".") || words[at - 1] === "-m";
    return isExpected ? [{ module, by }] : [];
  });
}

/**
 * The application where it was installed like a library (`pip install .`): the packages of sites that commands name, and, when
 * the image has no sources of its own, those that the started scripts import. The plugins that Ansible's playbooks name, too.
 */
export const mainUnits = oncePerWave((context): string[] => {
  const named = commandModules(context);
  const first = named.flatMap((module) => unitsOfModule(context, module));
  const isAlone = first.length === 0 && pythonFiles(context).own.length === 0;
  const units = isAlone
    ? startedScripts(context).flatMap((script) =>
        pythonImports(context.text(script, 1 << 20) ?? "")
          .imports.filter(({ level }) => level === 0)
          .flatMap(({ module }) => unitsOfModule(context, module)),
      )
    : first;
  return [...new Set([...units, ...namedPlugins(context).map(({ path }) => path)])];
});

function commandModules(context: PackContext): string[] {
  const commands = [...context.processes.map(({ argv }) => argv), ...context.commands];
  return [...new Set(commands.flatMap((argv) => inWords(argv.slice(1), "").map(({ module }) => module)))];
}

/** All units of the distribution of a module that is in a site. */
function unitsOfModule(context: PackContext, name: string): string[] {
  const [top = ""] = name.split(".");
  const { byUnit, units } = installed(context);
  const roots = [...applicationRoots(context), ...interpreters(context).map(({ library }) => library)];
  if (launchers.test(top) || findDotted(context, roots, top).some(({ files }) => files.length > 0)) return [];
  const sites = interpreters(context).flatMap((each) => each.sites);
  const file = findModule(context, sites, top)?.files[0] ?? findDotted(context, sites, name).at(-1)?.files[0];
  const unit = file === undefined ? undefined : unitOf(file, context);
  if (unit === undefined) return [];
  const all = (byUnit.get(unit) ?? []).flatMap(({ info }) => units.get(info) ?? []);
  return all.length > 0 ? all : [unit];
}

/** Scripts of Python that were started: in an interpreter's first words, and those with its name in their first line. */
export function startedScripts(context: PackContext): string[] {
  const words = context.processes.flatMap(({ exe, argv }) =>
    /^(?:python|pypy)[\d.]*$/.test(posix.basename(exe)) ? argv.slice(0, 6) : [],
  );
  const paths = words.filter((word) => word.includes("/")).map((word) => posix.resolve(context.workdir, word));
  const scripts = paths.flatMap((path) => fileAt(context, path) ?? []);
  return [...new Set(scripts)].filter((path) => {
    const size = context.rootfs.get(path)?.size ?? 0;
    return size < 64 << 10 && !path.endsWith(".so") && /^#!.*python/.test(context.text(path, 64 << 10) ?? "");
  });
}
