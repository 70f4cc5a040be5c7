import { posix } from "node:path";
import type { Wanted } from "../wanted.ts";
import { childPaths, directoryAt, fileAt, perPath, unitBelow } from "./gather.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { isCore, moduleFile, onPath, scripts, searchPath } from "./perl-path.ts";
import { type PerlEdge, scanPerl } from "./perl-source.ts";

/** Tools of developers and large tables. Modules mention them; only an application that asks itself gets them. */
const rare =
  /^(?:App|B|CPAN|Devel|ExtUtils|Test|TAP|Pod|Perl|Module::(?:Build|CoreList|Starter)|Unicode::(?:Collate|UCD)|Archive|Encode::(?:CN|JP|KR|TW|EBCDIC)|Win32\w*|VMS|OS2|Mac\w*|DB|DBM_Filter|perl5db|Debug|autodie|bigint|bignum|bigrat|encoding|sigtrap|diagnostics|Locale::(?:Codes|Maketext::Extract\w*)|Filter)(?:::|$)/;

/** What a module of the standard library fetches on first use, and what every locale-aware program may run into. */
const heavy = /(?:::Heavy|_heavy\.pl|_git\.pl)$/;

/** A namespace with more modules than this is a table of data; its parts are named or not wanted. */
const maxBelow = 60;

/** Families of encodings, by the names under which a program asks for them. */
const encodings: readonly [RegExp, string][] = [
  [/\b(?:shift_?-?jis|sjis|euc-?jp|iso-2022-jp\w*|cp932|7bit-jis)\b/i, "Encode::JP"],
  [/\b(?:gb2312|gbk|gb18030|euc-?cn|cp936|hz|iso-ir-165)\b/i, "Encode::CN"],
  [/\b(?:big5\w*|cp950)\b/i, "Encode::TW"],
  [/\b(?:euc-?kr|cp949|ks_c_5601\w*|iso-2022-kr|johab)\b/i, "Encode::KR"],
];

const scanned = perPath((path, context) => scanPerl(context.text(path) ?? ""));

function isSource(path: string, context: PackContext): boolean {
  if (/\.(?:p[lm]|al|psgi|cgi|fcgi|ep)$/i.test(path) || scripts(context).has(path)) return true;
  return (
    !posix.basename(path).includes(".") && context.isApplication(path) && /^#!.*perl/.test(context.text(path) ?? "")
  );
}

/** Is what this file says followed inside of subs too? The application's, and what others installed and was used. */
const isTrusted = (path: string, context: PackContext) =>
  context.isApplication(path) || scripts(context).has(path) || (context.isSeen(path) && !isCore(path));

function targets({ kind, name }: PerlEdge, path: string, context: PackContext): string[] {
  if (name.endsWith(".pl") && kind === "implied") return [onPath(name, context) ?? []].flat();
  if (/^(?:use|require|name|implied)$/.test(kind)) return [moduleFile(name, context) ?? []].flat();
  if (kind === "below") return below(name, context);
  if (kind !== "file") return [];
  const near = [posix.dirname(path), context.workdir].map((directory) => posix.resolve("/", directory, name));
  return [
    onPath(name.replace(/^\/+/, ""), context) ?? near.find((each) => fileAt(context, each) !== undefined) ?? [],
  ].flat();
}

/** `"LWP::Protocol::$scheme"` may mean any module of that namespace. */
const below = perPath((name, context): string[] => {
  const found = searchPath(context).flatMap((directory) => {
    const namespace = `${directory}/${name.replaceAll("::", "/")}`;
    const real = directoryAt(context, namespace);
    return real === undefined
      ? []
      : childPaths(context, real, /\.pm$/).map((path) => `${namespace}/${posix.basename(path)}`);
  });
  return found.length > maxBelow ? [] : found;
});

const isOwnSource = (path: string, context: PackContext) => context.isApplication(path) || scripts(context).has(path);

/** `by` asked for it: a module that the application itself asks for is taken as if it had run, with its late requires. */
function edgesOf(path: string, by: string, context: PackContext): Wanted[] {
  const isOwn = isOwnSource(path, context);
  const isAsked = isTrusted(path, context) || (!isCore(path) && isOwnSource(by, context));
  const isFollowed = (edge: PerlEdge) => {
    if (heavy.test(edge.name)) return true;
    if (edge.kind === "name") return isOwn;
    if (edge.kind === "below" || edge.kind === "implied") return isAsked;
    if (edge.lazy && !isAsked) return false;
    return isOwn || !rare.test(edge.name) || rare.test(moduleOf(path, context) ?? "");
  };
  return scanned(path, context)
    .filter(isFollowed)
    .flatMap((edge) => targets(edge, path, context).map((to) => byPack("script", to, path, `perl ${edge.kind}`)));
}

/** `Foo::Bar` of a module's real path; undefined for what is not on the search path. */
function moduleOf(path: string, context: PackContext): string | undefined {
  const directory = homeOf(path, context);
  return directory === undefined
    ? undefined
    : path
        .slice(directory.length + 1)
        .replace(/\.pm$/, "")
        .replaceAll("/", "::");
}

/** The directory of the search path that a file is in: the longest, because some lie in others. */
const homeOf = perPath((path, context): string | undefined => {
  const homes = searchPath(context).flatMap((spelled) => directoryAt(context, spelled) ?? []);
  return homes
    .filter((home) => path.startsWith(`${home}/`))
    .reduce<string | undefined>((longest, home) => (home.length > (longest?.length ?? 0) ? home : longest), undefined);
});

/** The native half of a module, its subs that are loaded one by one, and its data. */
function belongings(path: string, module: string, context: PackContext): Wanted[] {
  const stem = module.replaceAll("::", "/");
  const distribution = module.replaceAll("::", "-");
  const home = homeOf(path, context);
  const places = [...(home === undefined ? [] : [home]), ...searchPath(context)];
  const natives = places.map((directory) => nativeParts(`${directory}/auto/${stem}`, context));
  const native = natives.find((files) => files.length > 0) ?? [];
  const shares = searchPath(context).flatMap((directory) =>
    ["dist", "module"].map((kind) => `${directory}/auto/share/${kind}/${distribution}`),
  );
  return [
    ...native.map((file) => byPack("unit", file, path, "perl native part")),
    ...(isCore(path)
      ? []
      : shares.flatMap((share) => unitBelow(context, share, path, "perl shared data", { maxBytes: 32 << 20 }))),
    ...(isCore(path) ? [] : dataBeside(path, context)),
  ];
}

/** Spelled through the directory as it is given. */
function nativeParts(auto: string, context: PackContext): string[] {
  const real = directoryAt(context, auto);
  if (real === undefined) return [];
  return childPaths(context, real, /\.(?:so|al|ix|bs|ld)$/).map((path) => `${auto}/${posix.basename(path)}`);
}

/** Tables beside an installed module or in the directory of its name: `MIME/types.db`, `Mozilla/CA/cacert.pem`. */
function dataBeside(path: string, context: PackContext): Wanted[] {
  const isTop = homeOf(path, context) === posix.dirname(path);
  const places = [path.replace(/\.pm$/, ""), ...(isTop ? [] : [posix.dirname(path)])];
  return places
    .flatMap((place) => childPaths(context, place, /^(?!.*\.(?:p[lm]|pod|al|so|[chot]|xs|PL|md|bs|exists|packlist)$)./))
    .filter((file) => context.rootfs.get(file)?.type === "file" && (context.rootfs.get(file)?.size ?? 0) <= 4 << 20)
    .map((file) => byPack("unit", file, path, "perl data"));
}

/** Encodings and zones that the application's text names are modules too. */
function namedData(path: string, context: PackContext): Wanted[] {
  const text = context.text(path) ?? "";
  const families = encodings.filter(([names]) => names.test(text)).map(([, module]) => module);
  const zones = [...text.matchAll(/["']([A-Z]\w{2,20}(?:\/[A-Z][\w-]{1,30}){1,2})["']/g)].map(
    ([, zone = ""]) => `DateTime::TimeZone::${zone.replaceAll("/", "::").replaceAll("-", "_")}`,
  );
  return [...families, ...zones.slice(0, 500)].flatMap((name) => {
    const file = moduleFile(name, context);
    return file === undefined ? [] : [byPack("named", file, path, "perl data")];
  });
}

/** Tables that modules open by paths which they put together. */
function tables(module: string, path: string, context: PackContext): Wanted[] {
  const file = (name: string) =>
    [onPath(name, context) ?? []].flat().map((each) => byPack("unit", each, path, "perl tables"));
  // The table of `Encode::Config` loads these; the families of the Far East are large, and named by who uses them.
  if (module === "Encode")
    return ["Unicode", "Byte", "Symbol", "MIME/Header", "Alias", "Config", "Guess", "Encoding"].flatMap((name) =>
      file(`Encode/${name}.pm`),
    );
  if (module === "_charnames" || module === "charnames")
    return ["unicore/Name.pm", "unicore/Name.pl", "_charnames.pm"].flatMap(file);
  if (module === "File::Spec") return file("File/Spec/Unix.pm");
  const hasTables = /^(?:utf8_heavy\.pl|Unicode::UCD)$/.test(module);
  const directory = hasTables
    ? onPath(/heavy/.test(module) ? "unicore/Heavy.pl" : "unicore/UCD.pl", context)
    : undefined;
  const unicore = directory === undefined ? undefined : directoryAt(context, posix.dirname(directory));
  if (unicore !== undefined) return unitBelow(context, unicore, path, "perl unicode tables");
  return module === "Unicode::Collate" ? file("Unicode/Collate/allkeys.txt") : [];
}

/**
 * Perl: modules that the application's sources and used modules load, at the first run or later, with native parts, split
 * subs and tables. The standard library is followed by what its modules load at once.
 */
export const perl: Pack = {
  name: "perl",
  edges({ path, entry }, wanted, context) {
    if (entry.type !== "file" || wanted.use === "exist" || !isSource(path, context)) return [];
    const isReached = wanted.reason.detail?.startsWith("perl ") === true;
    if (!isReached && !context.isApplication(path) && !context.isSeen(path)) return [];
    const module = moduleOf(path, context);
    return [
      ...edgesOf(path, wanted.reason.by, context),
      ...(context.isApplication(path) ? namedData(path, context) : []),
      ...(module === undefined ? [] : [...belongings(path, module, context), ...tables(module, path, context)]),
    ];
  },
};
