import { namesIn, oncePerWave, readText } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { dependencyNames, type Package } from "./package-record.ts";

const database = "/var/lib/dpkg";

/** The stanzas of all packages. */
export const dpkgStatus = `${database}/status`;

const maxStatusBytes = 64 << 20;
const maxListBytes = 16 << 20;

/**
 * The packages that dpkg installed, by name (`name:architecture` for a second one of the same name), from `status`, or from
 * `status.d` where an image was put together without dpkg. A database that is cut short gives what stands before the cut.
 */
export const dpkgPackages = oncePerWave((context): ReadonlyMap<string, Package> => {
  const packages = new Map<string, Package>();
  const infos = new Set(namesIn(context, `${database}/info`));
  const add = (stanza: ReadonlyMap<string, string>, listedIn: (name: string, arch: string) => readonly string[]) => {
    const name = stanza.get("package") ?? "";
    const status = stanza.get("status");
    if (!/^[\w.+-]+$/.test(name) || (status !== undefined && !/\b(?:installed|triggers-\w+)$/.test(status))) return;
    const arch = stanza.get("architecture") ?? "";
    const key = packages.has(name) ? `${name}:${arch}` : name;
    packages.set(key, toPackage(name, stanza, listedIn(name, arch)));
  };
  for (const stanza of parseControl(readText(context, dpkgStatus, maxStatusBytes) ?? ""))
    add(stanza, (name, arch) =>
      [`${name}:${arch}.list`, `${name}.list`]
        .filter((each) => infos.has(each))
        .slice(0, 1)
        .map((each) => `${database}/info/${each}`),
    );
  const single = namesIn(context, `${database}/status.d`);
  for (const file of single.filter((each) => !each.endsWith(".md5sums")))
    for (const stanza of parseControl(readText(context, `${database}/status.d/${file}`) ?? ""))
      add(stanza, () => [`${database}/status.d/${file}.md5sums`]);
  return packages;
});

function toPackage(name: string, stanza: ReadonlyMap<string, string>, listedIn: readonly string[]): Package {
  const field = (key: string) => stanza.get(key) ?? "";
  return {
    system: "dpkg",
    name,
    source: /^[\w.+-]+/.exec(field("source"))?.[0] ?? name,
    section: field("section").replace(/^.*\//s, ""),
    priority: field("priority"),
    isEssential: field("essential") === "yes",
    depends: dependencyNames(`${field("pre-depends")},${field("depends")}`),
    provides: dependencyNames(field("provides")),
    listedIn,
    files: [],
  };
}

/** The files of a package as its list spells them; none while the list is not known. */
export function dpkgFiles(context: PackContext, { listedIn }: Package): string[] {
  return listedIn.flatMap((path) => {
    const text = readText(context, path, maxListBytes) ?? "";
    return path.endsWith(".md5sums")
      ? parseMd5sums(text)
      : text.split("\n").filter((line) => line.length > 2 && line[0] === "/");
  });
}

/** `HASH  usr/bin/tool` of dpkg's md5sums: the paths, absolute. */
export function parseMd5sums(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const path = /^[\da-f]{32} [ *](.+)$/.exec(line)?.[1];
    return path === undefined ? [] : [`/${path.replace(/^(?:\.?\/)+/, "")}`];
  });
}

/**
 * Stanzas of deb822(5): field names in small letters to values, continuation lines joined by newlines. What is no field is passed
 * over.
 */
export function parseControl(text: string): ReadonlyMap<string, string>[] {
  const stanzas: Map<string, string>[] = [];
  let stanza = new Map<string, string>();
  let name: string | undefined;
  let lines: string[] = [];
  const endField = () => {
    if (name !== undefined) stanza.set(name, lines.join("\n"));
    name = undefined;
  };
  const endStanza = () => {
    endField();
    if (stanza.size > 0) stanzas.push(stanza);
    stanza = new Map();
  };
  for (const line of text.split("\n")) {
    if (line.trim() === "") endStanza();
    else if (line[0] === " " || line[0] === "\t") lines.push(line.trim());
    else {
      endField();
      const colon = line.indexOf(":");
      if (colon < 1) continue;
      name = line.slice(0, colon).toLowerCase();
      lines = [line.slice(colon + 1).trim()];
    }
  }
  endStanza();
  return stanzas;
}
