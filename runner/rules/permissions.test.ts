import { expect, it } from "vitest";
import type { PathPerms } from "#contract/keep.ts";
import type { Entry } from "../rootfs.ts";
import { aRootfs } from "../stages/select.builder.ts";
import { permissionsOf, withPermissions } from "./permissions.ts";

const plain = aRootfs({
  "/srv/run": "x",
  "/srv/data/a": "x",
  "/srv/data/b": "x",
  "/srv/hard": "x",
  "/srv/link": "-> run",
  "/logs": "-> /srv/data",
});
const inodes: Record<string, Partial<Entry>> = {
  "/srv/run": { inode: "1:999", links: 2 },
  "/srv/hard": { inode: "1:999", links: 2 },
};
const rootfs = new Map([...plain].map(([path, entry]) => [path, { ...entry, ...inodes[path] }]));
const kept = new Map([...rootfs.keys()].map((path) => [path, { kind: "pinned", by: "x" } as const]));

const changed = (pathPerms: PathPerms[], readFrom: Record<string, string> = {}) => {
  const { permissions, warnings } = permissionsOf(rootfs, kept, { pathPerms, readFrom });
  const told = [...permissions].map(([path, { mode, uid, gid }]) => [path, `${mode.toString(8)} ${uid} ${gid}`]);
  return { told: Object.fromEntries(told), warnings: warnings.map(({ text }) => text) };
};

it("sets what is said and leaves the rest, on all names of one file", () => {
  expect(
    changed([
      { path: "/srv/run", mode: 0o4755 },
      { path: "/srv/data/*", uid: 7 },
    ]).told,
  ).toEqual({
    "/srv/run": "4755 0 0",
    "/srv/hard": "4755 0 0",
    "/srv/data/a": "644 7 0",
    "/srv/data/b": "644 7 0",
  });
});

it("a directory is meant alone, and not what is below it", () => {
  expect(changed([{ path: "/srv/data", mode: 0o1777 }]).told).toEqual({ "/srv/data": "1777 0 0" });
});

it("through a link its target gets the mode, and a link only an owner", () => {
  expect(changed([{ path: "/srv/link", mode: 0o700, gid: 3 }]).told).toMatchObject({
    "/srv/link": "755 0 3",
    "/srv/run": "700 0 3",
  });
  expect(changed([{ path: "/logs/a", mode: 0o600 }]).told).toEqual({ "/srv/data/a": "600 0 0" });
});

it("rules add up in their order, and one for nothing is told with its line", () => {
  const { told, warnings } = changed(
    [
      { path: "/srv/data/a", mode: 0o600 },
      { path: "/srv/data/*", gid: 9 },
      { path: "/gone", mode: 0o755, uid: 1, gid: 2 },
    ],
    { "--path-perms /gone:755#1#2": "perms.txt:4" },
  );
  expect(told).toEqual({ "/srv/data/a": "600 0 9", "/srv/data/b": "644 0 9" });
  expect(warnings).toEqual(["The rule --path-perms /gone:755#1#2 (perms.txt:4) stands for nothing that is kept."]);
});

it("is what the slim image is measured by", () => {
  const { permissions } = permissionsOf(rootfs, kept, { pathPerms: [{ path: "/srv/run", uid: 5 }], readFrom: {} });
  expect(withPermissions(rootfs, permissions).get("/srv/run")).toEqual({ ...rootfs.get("/srv/run"), uid: 5 });
  expect(withPermissions(rootfs, new Map())).toBe(rootfs);
});
