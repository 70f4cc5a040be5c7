import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { childPaths, fileAt, filesBelow, perPath, ran } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { asksForEastAsian } from "./ruby-encodings.ts";
import { type Gem, gemData, gemDirectory, gemFiles, gemspecOf, rubyHome, unitOf, usedUnits } from "./ruby-gems.ts";
import { gemsForDevelopment, parseGemLock, productionGems, type RubyEdge, scanRuby } from "./ruby-source.ts";

/** Tools of developers. The standard library and gems mention them; only an application that asks itself gets them. */
const rare =
  /^(?:irb|rdoc|debug|test-unit|minitest|rake|bundler|typeprof|rbs|ripper|power_assert|mkmf|win32|rinda|un|reline|pry|byebug|rspec)(?:[/.]|$)|^(?:test\/unit|rubygems\/commands|racc\/(?!parser|cparse))/;

/** Gems that load the rest of an application by convention, so that no `require` shows what it uses. */
const frameworks = ["railties", "hanami", "padrino-core", "zeitwerk", "dry-system"];

const isRuby = oncePerWave((context) =>
  ran(context, /^(?:j?ruby[\d.]*|truffleruby|puma|unicorn|rackup|bundle|passenger.*)$/i),
);

const scanned = perPath((path, context) => {
  if (!path.endsWith(".so")) return scanRuby(context.text(path) ?? "");
  // An extension requires with `rb_require("psych/syntax_error")`: a string constant.
  const names =
    context
      .content(path)
      ?.toString("latin1")
      .matchAll(/\0([a-z][\w-]{1,60}(?:\/[\w-]{1,60}){1,5})(?=\0)/g) ?? [];
  const edges = [...names].map(([, name = ""]): RubyEdge => ({ kind: "require", name, lazy: false }));
  return { edges: edges.slice(0, 500), requiresBundle: false };
});

/** Where a `require` leads, with or without its ending. */
const feature = perPath((name, context): string | undefined => {
  const names = /\.(?:rb|so)$/.test(name) ? [name] : [`${name}.rb`, `${name}.so`];
  const directories = name.startsWith("/") ? [""] : rubyHome(context).loadPath;
  // As Ruby does it: a source anywhere on the path comes before a native extension.
  for (const each of names) {
    for (const directory of directories) {
      const found = fileAt(context, posix.join(directory, each));
      if (found !== undefined) return found;
    }
  }
  return undefined;
});

/** Gems by the names under which other gems and files know them. */
const gemsByName = oncePerWave((context) => {
  const gems = new Map<string, Gem[]>();
  for (const gem of rubyHome(context).gems) gems.set(gem.name, [...(gems.get(gem.name) ?? []), gem]);
  return gems;
});

const gemsBySpecification = oncePerWave(
  (context) => new Map(rubyHome(context).gems.map((gem) => [gem.specification, gem])),
);

function isOwn(path: string, context: PackContext): boolean {
  return context.isApplication(path) && unitOf(path) === undefined;
}

function isSource(path: string, context: PackContext): boolean {
  const name = posix.basename(path);
  if (name.endsWith(".so")) return rubyHome(context).loadPath.some((directory) => path.startsWith(`${directory}/`));
  if (/\.(?:rb|ru|rake|jbuilder|builder|erb|haml|slim)$|^(?:Gemfile|Rakefile|Capfile)$/.test(name)) return true;
  return !name.includes(".") && isOwn(path, context) && /^#!.*ruby/.test(context.text(path) ?? "");
}

/** May a file of one gem lead into another? Only when that was used, or is what the gem says it needs. */
function mayEnter(from: string, to: string, context: PackContext): boolean {
  const unit = unitOf(to);
  const own = unitOf(from);
  if (unit === undefined || unit === own || usedUnits(context).has(unit)) return true;
  const gem = rubyHome(context).gems.find(({ directory, name }) => directory === own || `shared:${name}` === own);
  const target = posix.basename(unit).replace(/^shared:/, "");
  return (
    gem !== undefined &&
    gemspecOf(gem.specification, context).needs.some(
      (name) => target === name || target.startsWith(`${name}-`) || name.split(/[-_]/)[0] === target,
    )
  );
}

function targets(path: string, edge: RubyEdge, context: PackContext): string[] {
  const { kind, name } = edge;
  const directory = posix.dirname(path);
  const beside = (at: string) => fileAt(context, at) ?? fileAt(context, `${at}.rb`) ?? fileAt(context, `${at}.so`);
  if (kind === "relative") return [beside(posix.resolve(directory, name)) ?? []].flat();
  if (kind === "nested") return [beside(`${path.replace(/\.rb$/, "")}/${name}`) ?? []].flat();
  if (kind === "computed") return computed(name, context);
  const load = kind === "load" ? beside(posix.resolve(context.workdir, name)) : undefined;
  const there = /^\.\.?\//.test(name) ? beside(posix.resolve(context.workdir, name)) : feature(name, context);
  return [load ?? there ?? []].flat();
}

/** `require "adapters/#{name}"` may mean any file of that directory. */
function computed(name: string, context: PackContext): string[] {
  const directory = /^([\w.-]+(?:\/[\w.-]+)*)\/$/.exec(name)?.[1];
  if (directory === undefined) return [];
  const found = rubyHome(context).loadPath.map((path) => `${path}/${directory}`);
  const first = found.find((path) => context.children.has(path));
  const files = first === undefined ? [] : childPaths(context, first, /\.(?:rb|so)$/);
  return files.length > 200 ? [] : files;
}

function edgesOf(path: string, accept: (edge: RubyEdge) => boolean, context: PackContext): Wanted[] {
  const isApplication = isOwn(path, context);
  const edges = scanned(path, context).edges.filter(accept);
  return edges.flatMap((edge) =>
    targets(path, edge, context)
      .filter((to) => to !== path)
      .filter((to) => isApplication || (mayEnter(path, to, context) && !isRare(to, path, context)))
      // One bare word is seldom a path: from the application it may name a gem, never a part of the standard library.
      .filter((to) => edge.kind !== "word" || (isApplication && unitOf(to) !== undefined))
      .map((to) => byPack("script", to, path, `ruby ${edge.kind}`)),
  );
}

function isRare(to: string, from: string, context: PackContext): boolean {
  const { standard, shared } = rubyHome(context);
  const tree = [...shared, ...standard].filter((directory) => to.startsWith(`${directory}/`)).at(-1);
  if (tree === undefined) return false;
  const name = to.slice(tree.length + 1);
  // Within such a tool its own files belong together.
  return rare.test(name) && posix.dirname(from) !== posix.dirname(to) && !to.startsWith(from.replace(/\.rb$/, "/"));
}

/** Everything that an application's or a used gem's source names; of the rest only what loading it loads. */
function sourceEdges(path: string, context: PackContext): Wanted[] {
  const isApplication = isOwn(path, context);
  if (isApplication) {
    const direct = edgesOf(path, () => true, context);
    // What the application requires itself it will use, so that one counts with its lazy parts (net/http's openssl).
    const further = direct
      .filter(({ path: to, reason }) => reason.detail === "ruby require" && !isOwn(to, context))
      .flatMap(({ path: to }) => edgesOf(to, ({ kind }) => kind !== "word" && kind !== "string", context));
    return [...direct, ...further];
  }
  if (context.isSeen(path) && unitOf(path) !== undefined) return edgesOf(path, ({ kind }) => kind !== "word", context);
  return edgesOf(
    path,
    ({ kind, lazy }) => !lazy && (kind === "require" || kind === "relative" || kind === "load"),
    context,
  );
}

const locks = oncePerWave((context): string[] => {
  const gemfile = variable(context.env, "BUNDLE_GEMFILE");
  const named = gemfile === undefined ? [] : [posix.resolve("/", context.workdir, `${gemfile}.lock`)];
  const found = [...context.rootfs.keys()].filter(
    (path) => /\/(?:Gemfile\.lock|gems\.locked)$/.test(path) && (isOwn(path, context) || context.isSeen(path)),
  );
  return [...named, ...found].flatMap((path) => fileAt(context, path) ?? []);
});

/** The gems of the lock that production uses, as they are installed. */
function lockedGems(lock: string, context: PackContext): { gems: Gem[]; isFramework: boolean } {
  const text = context.text(lock);
  if (text === undefined) return { gems: [], isFramework: false };
  const gemfile = context.text(lock.replace(/\.lock$/, "").replace(/gems\.locked$/, "gems.rb")) ?? "";
  const parsed = parseGemLock(text);
  const names = productionGems(parsed, gemsForDevelopment(gemfile));
  const gems = [...names].flatMap((name) =>
    (gemsByName(context).get(name) ?? []).filter(({ version }) => {
      const locked = parsed.gems.get(name)?.versions;
      return locked === undefined || locked.some((each) => version === each || version.startsWith(`${each}-`));
    }),
  );
  return { gems, isFramework: frameworks.some((name) => names.has(name)) };
}

function wholeGems(lock: string, by: string, context: PackContext): Wanted[] {
  const { gems } = lockedGems(lock, context);
  return gems.flatMap(({ directory, extensions }) =>
    [directory, ...extensions]
      .flatMap((each) => gemFiles(each, context))
      .map((path) => byPack("unit", path, by, "gem of the lock")),
  );
}

/** Data of shared gems that were used, and what RubyGems asks before it loads one. */
function usedGemEdges(context: PackContext): Wanted[] {
  const used = usedUnits(context);
  const gems = rubyHome(context).gems.filter(
    ({ directory, name }) => used.has(directory) || used.has(`shared:${name}`),
  );
  const shared = rubyHome(context).shared.flatMap((tree) =>
    [...used].filter((unit) => unit.startsWith("shared:")).map((unit) => `${tree}/${unit.slice(7)}`),
  );
  const sharedData = shared.flatMap((directory) =>
    filesBelow(context, directory, {
      accept: (path) => !/\.(?:rb|so|rbs|md|c|h|tt)$/.test(path),
      maxBytes: 4 << 20,
    }),
  );
  return [
    ...sharedData.map((path) => byPack("unit", path, posix.dirname(path), "data of a used gem")),
    ...gems.map(({ directory, specification }) => byPack("unit", specification, directory, "gemspec")),
  ];
}

/** Data of a gem whose code is kept, used or not yet, and the mark that its extensions are built. */
function gemParts({ directory, extensions }: Gem, context: PackContext): Wanted[] {
  const isTable = /\/tzinfo-data-[^/]+$/.test(directory); // its modules are named by time zone
  const data = isTable ? gemFiles(directory, context) : gemData(directory, context);
  return [
    ...extensions.map((path) => byPack("unit", `${path}/gem.build_complete`, directory, "built extension")),
    ...data.map((path) => byPack("unit", path, directory, "data of a used gem")),
  ];
}

/** Of telephones of the last century, and of an old file system. */
const isOddity = (path: string) => /\/(?:emoji|utf8_mac|cesu)[^/]*$/.test(path);

/** Encodings are loaded by name when a string asks for one; the tables of East Asia are most of their bytes. */
function encodings(context: PackContext): Wanted[] {
  return rubyHome(context).standard.flatMap((directory) => {
    const small = filesBelow(context, `${directory}/enc`, {
      accept: (path, { size }) => (size <= 128 << 10 && !isOddity(path)) || context.isSeen(path),
    });
    return small.map((path) => byPack("rule", path, "ruby", "encodings"));
  });
}

function largeEncodings(by: string, context: PackContext): Wanted[] {
  return rubyHome(context).standard.flatMap((directory) =>
    filesBelow(context, `${directory}/enc`, { accept: (path) => !isOddity(path) }).map((path) =>
      byPack("rule", path, by, "encodes text"),
    ),
  );
}

/** Ruby: what sources require, of which gems; data beside a gem's code; the gems of a framework's lock; encodings. */
export const ruby: Pack = {
  name: "ruby",
  seeds(context) {
    if (!isRuby(context)) return [];
    const locked = locks(context).flatMap((lock) => {
      const { gems, isFramework } = lockedGems(lock, context);
      // A gem that is only locked has to be there; one whose code is kept loads its specification, with its data.
      const specifications = gems.map(({ specification }) => byPack("unit", specification, lock, "gemspec", "exist"));
      return [...specifications, ...(isFramework ? wholeGems(lock, lock, context) : [])];
    });
    return [...encodings(context), ...usedGemEdges(context), ...locked];
  },
  edges({ path, entry }, { use }, context) {
    if (entry.type !== "file" || !isRuby(context)) return [];
    const specified = use === "load" ? gemsBySpecification(context).get(path) : undefined;
    if (specified !== undefined) return gemParts(specified, context);
    if (!isSource(path, context)) return [];
    const found = sourceEdges(path, context);
    const gem = gemDirectory(path);
    const specification = rubyHome(context).gems.find(({ directory }) => directory === gem)?.specification;
    if (specification !== undefined) found.push(byPack("unit", specification, path, "gemspec"));
    if (!isOwn(path, context)) return found;
    const source = context.text(path) ?? "";
    const isBundled = scanned(path, context).requiresBundle;
    return [
      ...found,
      ...(asksForEastAsian(source) ? largeEncodings(path, context) : []),
      ...(isBundled ? locks(context).flatMap((lock) => wholeGems(lock, path, context)) : []),
    ];
  },
};
