import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { sourceOf } from "./python-modules.ts";
import { interpreters, isStandard, pythonFiles } from "./python-path.ts";

/** Tools of developers and toolkits: what the library mentions of them nobody meant. */
const rare =
  /^(?:tkinter|idlelib|test|distutils|lib2to3|pydoc(?:_data)?|turtle(?:demo)?|ensurepip|venv|unittest|doctest|pdb|bdb|cProfile|profile|pstats|trace|curses|readline|rlcompleter|cmd|code|webbrowser|dbm|shelve|msilib|nturl2path|ntpath|_osx_support|_pydecimal|_pyio|antigravity|this)(?:\.|$)/;
/** Whether a file of the standard library is a part that only developers and toolkits use. */
export const isRare = (path: string, context: PackContext): boolean => rare.test(standardName(context, path));

/** Since 3.11 the first modules of every start are in the interpreter itself: their files are not read then. */
export function isFrozen(path: string, context: PackContext): boolean {
  const library = frozenLibraries(context).find((each) => path.startsWith(`${each}/`));
  return library !== undefined && frozen.test(standardName(context, path));
}

const frozenLibraries = oncePerWave((context) => {
  const seen = new Set(pythonFiles(context).seen.map(sourceOf));
  return interpreters(context).flatMap(({ library }) => (seen.has(`${library}/os.py`) ? [] : [library]));
});

const frozen =
  /^(?:os|io|abc|codecs|site|stat|posixpath|genericpath|_collections_abc|_sitebuiltins|zipimport|runpy|importlib\.(?:_bootstrap(?:_external)?|util|machinery|_abc))$/;

/** Whether two files of the standard library are of one package, or of one module. */
export const isSameStandard = (a: string, b: string, context: PackContext): boolean =>
  isStandard(context, a) &&
  isStandard(context, b) &&
  standardName(context, a).split(".")[0] === standardName(context, b).split(".")[0];

/** `email.message` of a file of the standard library, whatever its ending and tag. */
function standardName(context: PackContext, path: string): string {
  const library = interpreters(context).find((each) => path.startsWith(`${each.library}/`))?.library ?? "";
  const inside = path.slice(library.length + 1).replace(/^lib-dynload\//, "");
  return inside.replace(/(\/[^/.]+|^[^/.]+)\.[^/]*$/, "$1").replaceAll("/", ".");
}
