import type { Place } from "../place.ts";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { entriesBelow, libraryName, namesIn, oncePerWave, readText, wholeDirectory } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { dynamicNames, elfImage } from "./static-binary-elf.ts";

const localeDirectory = "/usr/lib/locale";

const aliasFiles = ["/etc/locale.conf", "/etc/default/locale", "/etc/locale.alias", "/usr/share/locale/locale.alias"];

/** What a locale by that name may be large; `locale-archive` holds all of them and is never kept by a rule. */
const maxLocaleBytes = 8 << 20;

const gconvDirectories = /^(?:\/usr)?\/lib(?:64|32|\/[\w-]+)?\/gconv$/;

/** The conversions that Fedora ships with glibc itself, the rest being a package of its own. */
const coreCharsets = ["ANSI_X3.110", "CP1252", "ISO8859-1", "ISO8859-15", "UNICODE", "UTF-16", "UTF-32", "UTF-7"];

/** Larger texts of an application are data. */
const maxTextBytes = 1 << 20;
const maxProgramBytes = 48 << 20;

/** What only sorts: a program that asks for nothing else wants no text of a language. */
const sorts = "LC_COLLATE";

/** Interpreters ask for the locale in a library of their own. */
const interpreterLibrary = /^lib(?:python|ruby|perl|php|tcl|R$|guile|lua|java$)/;

/**
 * Languages and character sets: the locales that ENV names, C.UTF-8 beside them, and of glibc's 8 MB of conversions the core
 * and those that the application names, once something converts.
 */
export const locale: Pack = {
  name: "locale",
  seeds: (context) => [
    ...aliasFiles.map((path) => byPack("rule", path, "locale", "locale", "exist")),
    ...(isLocaleSeen(context) ? locales(context) : []),
    ...(isConversionSeen(context)
      ? conversions("gconv", [...coreCharsets, ...environmentCharsets(context)], context)
      : []),
  ],
  edges(place, wanted, context) {
    if (place.entry.type !== "file" || wanted.use === "exist") return [];
    return [...(asksLocale(place, wanted, context) ? locales(context) : []), ...namedConversions(place, context)];
  },
};

function namedConversions({ path, entry }: Place, context: PackContext): Wanted[] {
  if (entry.size > maxTextBytes || !context.isApplication(path) || gconv(context).length === 0) return [];
  const content = context.content(path, maxTextBytes);
  if (!content || content.includes(0) || !/iconv|mb_convert_encoding/i.test(content.toString("latin1"))) return [];
  return conversions(path, [...coreCharsets, ...charsetsIn(content.toString("latin1"))], context);
}

const locales = (context: PackContext) => localeNames(context).flatMap((name) => localeFiles(name, context));

/** A program that ran opened a locale, for more than the order of names. */
function isLocaleSeen({ children, isSeen }: PackContext): boolean {
  return (children.get(localeDirectory) ?? []).some((name) =>
    (children.get(`${localeDirectory}/${name}`) ?? []).some(
      (file) => file !== sorts && isSeen(`${localeDirectory}/${name}/${file}`),
    ),
  );
}

/** Whether a file asks for the locale of ENV when it runs: the application's in any branch, others when they did not run yet. */
function asksLocale({ path, entry }: Place, { use }: Wanted, context: PackContext): boolean {
  if (localeNames(context).length === 0 || isLocaleSeen(context)) return false;
  const isOwn = context.isApplication(path);
  const isUnseen = (use === "run" || interpreterLibrary.test(libraryName(path) ?? "")) && !context.isSeen(path);
  if (!isOwn && !isUnseen) return false;
  const content = context.content(path, maxProgramBytes);
  const image = content && elfImage(content);
  if (content === undefined) return isUnseen && entry.size > maxProgramBytes;
  if (image === undefined)
    return isOwn && entry.size <= maxTextBytes && /\b(?:set|new)locale\b/.test(content.toString("latin1"));
  const names = dynamicNames(image);
  return names.has("setlocale") || names.has("newlocale");
}

/** Names of locales from ENV, and C.UTF-8 where a locale is used at all: programs fall back on it. */
function localeNames({ env, isSeen, children }: PackContext): string[] {
  const values = env.flatMap((each) => /^(?:LANG|LC_\w+)=(.+)$/s.exec(each)?.[1] ?? []);
  const named = values.filter((value) => value !== "C" && value !== "POSIX");
  const isSome = (children.get(localeDirectory) ?? []).some((name) =>
    (children.get(`${localeDirectory}/${name}`) ?? []).some((file) => isSeen(`${localeDirectory}/${name}/${file}`)),
  );
  return [...new Set([...named, ...(named.length > 0 || isSome ? ["C.UTF-8"] : [])])];
}

/** glibc compares the part behind the dot without its dashes and in small letters. */
function plainLocale(name: string): string {
  return name.replace(/\.([^@]*)/, (_, charset: string) => `.${charset.replace(/[^\w]/g, "").toLowerCase()}`);
}

function localeFiles(name: string, context: PackContext): Wanted[] {
  const plain = plainLocale(name);
  return namesIn(context, localeDirectory)
    .filter((each) => plainLocale(each) === plain)
    .flatMap((each) => wholeDirectory(context, `${localeDirectory}/${each}`, maxLocaleBytes))
    .map((path) => byPack("rule", path, name, "locale"));
}

/** The directories of conversion modules, one for each architecture. */
const gconv = oncePerWave((context): string[] =>
  ["/usr/lib", "/usr/lib64", "/usr/lib32", "/lib", "/lib64"]
    .flatMap((directory) => [
      `${directory}/gconv`,
      ...namesIn(context, directory).map((name) => `${directory}/${name}/gconv`),
    ])
    .filter((directory) => gconvDirectories.test(directory) && context.rootfs.get(directory)?.type === "directory"),
);

function isConversionSeen(context: PackContext): boolean {
  return gconv(context).some((directory) =>
    (context.children.get(directory) ?? []).some((name) => context.isSeen(`${directory}/${name}`)),
  );
}

function conversions(by: string, charsets: readonly string[], context: PackContext): Wanted[] {
  return gconv(context).flatMap((directory) => {
    const configuration = ["gconv-modules", "gconv-modules.cache", "gconv-modules.d"].map(
      (name) => `${directory}/${name}`,
    );
    const more = entriesBelow(context, `${directory}/gconv-modules.d`);
    const aliases = charsetAliases(directory, context);
    const wanted = new Set(charsets.map((each) => plainCharset(aliases.get(plainCharset(each)) ?? each)));
    const modules = namesIn(context, directory).filter(
      (name) => name.endsWith(".so") && wanted.has(plainCharset(name.slice(0, -3))),
    );
    const own = modules.map((name) => `${directory}/${name}`);
    return [...configuration, ...more, ...own].map((path) => byPack("rule", path, by, "character sets"));
  });
}

const plainCharset = (name: string) => name.replace(/[-_. ]/g, "").toUpperCase();

/** `alias FROM// TO//` and `module FROM// TO// FILE COST` of gconv-modules: name to module. */
function charsetAliases(directory: string, context: PackContext): Map<string, string> {
  const files = [`${directory}/gconv-modules`, ...entriesBelow(context, `${directory}/gconv-modules.d`)];
  const aliases = new Map<string, string>();
  const modules = new Map<string, string>();
  for (const line of files.flatMap((file) => (readText(context, file) ?? "").split("\n"))) {
    const [kind, from = "", to = "", file = ""] = line.replace(/\/\//g, "").trim().split(/\s+/, 4);
    if (kind === "alias") aliases.set(plainCharset(from), plainCharset(to));
    if (kind === "module" && to === "INTERNAL") modules.set(plainCharset(from), file);
  }
  for (const [from, to] of aliases) modules.set(from, modules.get(to) ?? to);
  return modules;
}

/** Words in quotes that may be the names of character sets; what no module has falls away. */
function charsetsIn(text: string): string[] {
  return [...new Set([...text.matchAll(/["']([\w.:-]{2,24})(?:\/\/\w{1,12})?["']/g)].map((match) => match[1] ?? ""))];
}

function environmentCharsets({ env }: PackContext): string[] {
  return ["LC_ALL", "LC_CTYPE", "LANG"].flatMap((name) => /\.([\w-]+)/.exec(variable(env, name) ?? "")?.[1] ?? []);
}
