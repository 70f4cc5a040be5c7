import type { Rootfs } from "../rootfs.ts";
import type { Wanted } from "./wanted.ts";

/**
 * A directory of a Python package must not stand there without what makes it a regular package: `import` would take the empty
 * directory for a namespace package and succeed, where without the directory it fails and the application takes another way.
 * So a directory that is kept, for whatever reason, keeps its marker.
 */
export function packageMarkers(rootfs: Rootfs, directory: string): Wanted[] {
  return ["__init__.py", "__init__.pyc"]
    .map((name) => `${directory}/${name}`)
    .filter((path) => rootfs.has(path))
    .map((path) => ({ path, reason: { kind: "unit", by: directory, detail: "python package" }, use: "exist" }));
}
