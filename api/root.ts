import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds Winnow's package.json: migrations and binaries lie below it, for the sources and for the bundle in dist alike. */
export function projectRoot(): string {
  return rootAbove(dirname(fileURLToPath(import.meta.url))).root;
}

/** The version in Winnow's package.json. */
export function projectVersion(): string {
  return rootAbove(dirname(fileURLToPath(import.meta.url))).version;
}

function rootAbove(start: string): { root: string; version: string } {
  for (let at = start; ; at = dirname(at)) {
    const file = join(at, "package.json");
    if (existsSync(file)) {
      const manifest: { name?: string; version?: string } = JSON.parse(readFileSync(file, "utf8"));
      if (manifest.name === "winnow") return { root: at, version: manifest.version ?? "0.0.0" };
    }
    // Not a WinnowError: a broken installation, which no user of a job can mend.
    if (dirname(at) === at)
      throw new Error(`No package.json of winnow above ${start}: the installation is incomplete.`);
  }
}
