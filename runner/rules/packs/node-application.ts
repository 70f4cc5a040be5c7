import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { oncePerWave } from "./image-tree.ts";
import { jsLiterals, type Literals } from "./js-literals.ts";
import { type Manifest, manifestOf, packageDirectory, packageName } from "./node-resolve.ts";
import type { PackContext } from "./pack.ts";

/** A package that the application's own code names: in which file, and the directory from which it is looked up. */
export type Named = { name: string; by: string; directory: string };

/** Bundles of servers are large; beyond this a file is data. */
export const maxCodeBytes = 16 << 20;
/** Larger texts are data. */
export const maxConfigBytes = 1 << 20;

const code = /\.(?:[cm]?js|[cm]?ts|jsx|tsx|vue|svelte)$/;
const developers =
  /\.(?:test|spec|stories|d)\.[cm]?[jt]sx?$|\/(?:tests?|__tests__|__mocks__|spec|e2e|cypress|coverage)\//;
/** Pages, styles, templates, settings and scripts of the application: they name files without being code. */
const text =
  /\.(?:html?|css|hbs|handlebars|ejs|pug|jade|njk|nunjucks|mustache|liquid|twig|md|mdx|ya?ml|toml|ini|conf|config|sh|xml|webmanifest|txt)$/;
const otherJson = /(?:^|\/)(?:package(?:-lock)?|npm-shrinkwrap|tsconfig[^/]*|\.?eslintrc|composer|bower)\.json$/;

/** One of the application's own files, and not one of an installed package. */
export function isOwn(context: PackContext, path: string): boolean {
  return context.isApplication(path) && packageDirectory(path) === undefined && !path.includes("/node_modules/");
}

/** What one look over the image finds: the application's manifests, code and texts, and the packages of which a file was used. */
export const nodeFiles = oncePerWave((context) => {
  const manifests: string[] = [];
  const sources: string[] = [];
  const texts: string[] = [];
  const touched = new Set<string>();
  for (const { path, type } of context.rootfs.values()) {
    if (type !== "file") continue;
    const isPackageJson = path.endsWith("/package.json");
    if (!isPackageJson && context.isSeen(path)) {
      const directory = packageDirectory(path);
      if (directory !== undefined) touched.add(directory);
    }
    if (isPackageJson) {
      if (isOwn(context, path)) manifests.push(posix.dirname(path));
    } else if (code.test(path) || path.endsWith(".json")) {
      if (!developers.test(path) && !otherJson.test(path) && isOwn(context, path)) sources.push(path);
    } else if (text.test(path) && isOwn(context, path)) texts.push(path);
  }
  return { manifests, sources, texts, touched };
});

const known = new WeakMap<Buffer, Literals>();

/** Literals of a source; remembered for its bytes, because every wave asks again. */
function literalsOf(context: PackContext, path: string): Literals {
  const bytes = context.content(path, path.endsWith(".json") ? maxConfigBytes : maxCodeBytes);
  if (!bytes) return new Map();
  const literals = known.get(bytes) ?? jsLiterals(bytes.toString("latin1"));
  known.set(bytes, literals);
  return literals;
}

/**
 * The packages that the application's code names: by a literal, when its package.json declares them for production (`"ejs"`
 * as a view engine), or by an import, when it does not declare them for development only.
 */
export function namedPackages(context: PackContext): Named[] {
  const { sources, manifests } = nodeFiles(context);
  const own = new Set(manifests);
  const found = new Map<string, Named>();
  for (const by of sources) {
    const directory = posix.dirname(by);
    const declared = declarations(context, directory, own);
    for (const [text, isImport] of literalsOf(context, by)) {
      // A built-in module comes before a package of its name; `string_decoder/` means the package.
      const name = isBuiltin(text) ? undefined : packageName(text);
      if (name === undefined || found.has(`${directory}\0${name}`)) continue;
      const counts = declared.production.has(name) || (isImport && !declared.development.has(name));
      if (counts) found.set(`${directory}\0${name}`, { name, by, directory });
    }
  }
  return [...found.values(), ...namedByWords(context)];
}

/** `node -r dotenv/config`, `NODE_OPTIONS=--import=tsx`: words of commands and variables that are declared packages. */
function namedByWords(context: PackContext): Named[] {
  const lines = [...context.commands.flat(), ...context.env, ...context.processes.flatMap(({ argv }) => argv)];
  const words = new Set(lines.flatMap((line) => line.slice(0, 10_000).split(/[\s=,]+/)).map(packageName));
  return nodeFiles(context).manifests.flatMap((directory) =>
    [...(manifestOf(context, directory)?.dependencies ?? [])]
      .filter((name) => words.has(name))
      .map((name) => ({ name, by: `${directory}/package.json`, directory })),
  );
}

type Declarations = { production: ReadonlySet<string>; development: ReadonlySet<string> };

const byDirectory = oncePerWave(() => new Map<string, Declarations>());

/** What the package.json files of the application from `directory` upwards declare. */
function declarations(context: PackContext, directory: string, own: ReadonlySet<string>): Declarations {
  const answers = byDirectory(context);
  const before = answers.get(directory);
  if (before) return before;
  const above = directory === "/" ? undefined : declarations(context, posix.dirname(directory), own);
  const manifest: Manifest | undefined = own.has(directory) ? manifestOf(context, directory) : undefined;
  const production = new Set([
    ...(above?.production ?? []),
    ...(manifest ? [...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies] : []),
  ]);
  const development = [...(above?.development ?? []), ...(manifest?.devDependencies ?? [])];
  const answer =
    manifest === undefined && above
      ? above
      : { production, development: new Set(development.filter((name) => !production.has(name))) };
  answers.set(directory, answer);
  return answer;
}
