import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { entriesBelow, oncePerWave, realPath } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { readsSource, setsZone } from "./time-zones-compiled.ts";
import { asksForAnyZone, zoneNamesIn } from "./zone-names.ts";

/** Where glibc, musl, Go and the interpreters look for zones. */
const usual = [
  "/usr/share/zoneinfo",
  "/usr/share/lib/zoneinfo",
  "/usr/lib/zoneinfo",
  "/share/zoneinfo",
  "/etc/zoneinfo",
];

/** What tells which zone is the system's. */
export const systemZone = ["/etc/localtime", "/etc/timezone", "/etc/TZ", "/etc/sysconfig/clock", "/etc/adjtime"];

/** What tells which zones there are. */
const indexes = ["zone.tab", "zone1970.tab", "iso3166.tab"];

/** The text that zones are compiled from, as large as a sixth of them: of the usual readers only C++'s own zones take it. */
const source = ["tzdata.zi", "leapseconds"];

/** What needs no file once a zone is used at all. */
const neutral = ["UTC", "Etc/UTC", "GMT", "Etc/GMT", "posixrules"];

/** Larger files of an application are data, or a program that brings its zones with it. */
const maxFileBytes = 32 << 20;

/** Files that hold no zone name in the clear, and languages whose run-time has zones of its own (Node, Java). HTML may be a template. */
const withoutNames =
  /\.(?:[cm]?[jt]sx?|map|class|jar|war|css|png|jpe?g|gif|webp|ico|svg|woff2?|ttf|otf|eot|mp[34]|webm|pdf|zip|gz|xz|bz2|zst|br|tgz|whl|so|a|o|pyc|md|po|mo)$/i;

/**
 * Time zones that the application names anywhere in its files, that of the system, and all of them (1.5 MB, `right` and `posix`
 * left out) where its code lists zones, takes one from outside, or sets TZ while it runs.
 */
export const timeZones: Pack = {
  name: "time zones",
  seeds: (context) => [
    ...systemZone.map((path) => byPack("rule", path, "time zone", "system zone")),
    ...environmentZones(context),
    ...usedZones(context),
  ],
  edges(place, wanted, context) {
    const { path, entry } = place;
    if (entry.type !== "file" || wanted.use === "exist" || !context.isApplication(path)) return [];
    if (withoutNames.test(path) || zoneIndex(context).names.size === 0) return [];
    const content = context.content(path, maxFileBytes);
    if (!content) return [];
    if (readsSource(content)) return [...allZones(path, context), ...zoneFiles(source, path, context)];
    const isOpen = isText(content) ? asksForAnyZone(content.toString("latin1")) : setsZone(content);
    if (isOpen) return allZones(path, context);
    const names = [...zoneNamesIn(content, zoneIndex(context).names)];
    return names.length === 0 ? [] : zoneFiles([...names, ...neutral], path, context);
  },
};

const isText = (content: Buffer) => !content.subarray(0, 8192).includes(0);

/** Directories of zones, and the names in them; not the copies for other clocks. */
const zoneIndex = oncePerWave((context) => {
  const own = variable(context.env, "TZDIR");
  const directories = [...(own?.startsWith("/") ? [own] : []), ...usual];
  const found = new Set(directories.flatMap((directory) => realPath(context, directory) ?? []));
  const zonePaths = [...found].flatMap((directory) =>
    entriesBelow(context, directory, (path) => !/\/(?:right|posix)$/.test(path)).map((path) =>
      path.slice(directory.length + 1),
    ),
  );
  const names = zonePaths.filter((name) => /^[A-Z][\w+/-]*$/.test(name));
  return { directories: [...found], names: new Set(names) };
});

function zoneFiles(names: readonly string[], by: string, context: PackContext): Wanted[] {
  return zoneIndex(context).directories.flatMap((directory) =>
    names.map((name) => byPack("named", `${directory}/${name}`, by, "time zone")),
  );
}

/** Every zone of the image, for `by`'s sake. */
export function allZones(by: string, context: PackContext): Wanted[] {
  return zoneFiles([...zoneIndex(context).names, ...indexes, "leapseconds", ...neutral], by, context);
}

/** TZ names a zone, with a colon before it or not, or a file. */
function environmentZones(context: PackContext): Wanted[] {
  const name = (variable(context.env, "TZ") ?? "").replace(/^:/, "");
  if (name === "") return [];
  if (name.startsWith("/")) return [byPack("rule", name, "TZ", "time zone")];
  return zoneFiles([name, ...neutral], "TZ", context);
}

/** One zone was read: the neutral ones go with it. A listing was read: any zone may be chosen from it. */
function usedZones(context: PackContext): Wanted[] {
  const { directories, names } = zoneIndex(context);
  const seenListing = directories
    .flatMap((directory) => ["zone.tab", "zone1970.tab", "tzdata.zi"].map((name) => posix.join(directory, name)))
    .find(context.isSeen);
  if (seenListing !== undefined) return allZones(seenListing, context);
  const seen = directories
    .flatMap((directory) => [...names].map((name) => `${directory}/${name}`))
    .find(context.isSeen);
  return seen === undefined ? [] : zoneFiles(neutral, seen, context);
}
