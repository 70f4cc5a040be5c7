import { expect, test } from "vitest";
import { ImageConfig } from "../image/source.ts";
import type { Entry } from "../rootfs.ts";
import { compareConfig, compareEntries } from "./fidelity.ts";
import { aRootfs } from "./select.builder.ts";

let inodes = 0;
function anEntry(path: string, more: Partial<Entry> = {}): Entry {
  inodes += 1;
  const type = path.endsWith("/") ? "directory" : "file";
  const plain = {
    type,
    mode: type === "file" ? 0o644 : 0o755,
    uid: 0,
    gid: 0,
    size: 10,
    mtime: 1000,
    mtimeNs: 0,
  } as const;
  const rest = {
    inode: `1:${inodes}`,
    links: 1,
    rdev: undefined,
    xattrs: new Map<string, string>(),
    target: undefined,
  };
  return { path: path.replace(/\/$/, "") || "/", ...plain, ...rest, ...more };
}
const rootfs = (...entries: Entry[]): Map<string, Entry> => new Map(entries.map((entry) => [entry.path, entry]));
const link = (path: string, inode: string): Entry => anEntry(path, { inode, links: 2 });

test("what is the same in all that an image can hold has no fault", () => {
  const make = (): Map<string, Entry> =>
    rootfs(
      anEntry("/"),
      anEntry("/opt/", { size: 4096 }),
      anEntry("/opt/file", { mode: 0o4755, uid: 5, gid: 6, xattrs: new Map([["security.capability", "01"]]) }),
      anEntry("/opt/link", { type: "symlink", target: "file", mode: 0o777 }),
      anEntry("/opt/null", { type: "character", rdev: "1:3" }),
    );
  const kept = ["/opt", "/opt/file", "/opt/link", "/opt/null"];
  expect(compareEntries(make(), make(), kept)).toEqual([]);
});

test.each<[string, Partial<Entry>, Partial<Entry>, string, string]>([
  ["type", { type: "file" }, { type: "directory" }, "file", "directory"],
  ["mode", { mode: 0o4755 }, { mode: 0o755 }, "4755", "755"],
  ["owner", { uid: 1, gid: 2 }, { uid: 1, gid: 0 }, "1:2", "1:0"],
  ["mtime", { mtime: 5 }, { mtime: 6 }, "5", "6"],
  ["size", { size: 5 }, { size: 6 }, "5", "6"],
  ["target", { type: "symlink", target: "a" }, { type: "symlink", target: "b" }, "a", "b"],
  ["rdev", { type: "block", rdev: "8:1" }, { type: "block", rdev: "8:2" }, "8:1", "8:2"],
  ["xattrs", { xattrs: new Map([["user.x", "01"]]) }, {}, "user.x=01", ""],
  ["xattrs", {}, { xattrs: new Map([["user.x", "01"]]) }, "", "user.x=01"],
])("another %s is found", (field, before, after, fat, slim) => {
  const faults = compareEntries(rootfs(anEntry("/x", before)), rootfs(anEntry("/x", after)), ["/x"]);
  expect(faults).toEqual([{ path: "/x", field, fat, slim }]);
});

test.each<[string, Partial<Entry>, Partial<Entry>]>([
  ["the size of a directory", { type: "directory", size: 4096 }, { type: "directory", size: 60 }],
  [
    "the mode of a symbolic link",
    { type: "symlink", target: "a", mode: 0o777 },
    { type: "symlink", target: "a", mode: 0o755 },
  ],
  ["fractions of a second", { mtimeNs: 5 }, { mtimeNs: 0 }],
  [
    "the order of attributes",
    {
      xattrs: new Map([
        ["a", "1"],
        ["b", "2"],
      ]),
    },
    {
      xattrs: new Map([
        ["b", "2"],
        ["a", "1"],
      ]),
    },
  ],
  [
    "the label of the host's policy",
    { xattrs: new Map([["security.selinux", "aa"]]) },
    { xattrs: new Map([["security.selinux", "bb"]]) },
  ],
])("%s is no fault", (_what, before, after) => {
  expect(compareEntries(rootfs(anEntry("/x", before)), rootfs(anEntry("/x", after)), ["/x"])).toEqual([]);
});

test("a kept entry that is gone and one that nobody asked for are found", () => {
  const fat = rootfs(anEntry("/a"), anEntry("/b"));
  expect(compareEntries(fat, rootfs(anEntry("/b"), anEntry("/c/")), ["/a", "/b"])).toEqual([
    { path: "/a", field: "presence", fat: "file", slim: "absent" },
    { path: "/c", field: "presence", fat: "not asked for", slim: "directory" },
  ]);
});

test("what the engine makes in each container is not the image's", () => {
  const made = [
    "/",
    "/.dockerenv",
    "/etc/",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/etc/mtab",
    "/dev/",
    "/dev/console",
    "/proc/",
    "/sys/",
  ];
  expect(compareEntries(rootfs(), rootfs(...made.map((path) => anEntry(path))), [])).toEqual([]);
  const beside = ["/etc/passwd", "/devices/", "/sysroot/"];
  expect(compareEntries(rootfs(), rootfs(...beside.map((path) => anEntry(path))), []).map(({ path }) => path)).toEqual([
    "/etc/passwd",
    "/devices",
    "/sysroot",
  ]);
  const times = [rootfs(anEntry("/etc/", { mtime: 1 })), rootfs(anEntry("/etc/", { mtime: 2 }))] as const;
  expect(compareEntries(...times, ["/etc"])).toEqual([]);
});

test("directories made for mounts are allowed when they are named", () => {
  const slim = rootfs(anEntry("/var/"), anEntry("/var/lib/"), anEntry("/var/lib/data/"), anEntry("/var/log/"));
  expect(compareEntries(rootfs(), slim, [], ["/var/lib/data"]).map(({ path }) => path)).toEqual(["/var/log"]);
});

test("hard links among the kept stay, others do not appear", () => {
  const fat = rootfs(link("/a", "1:100"), link("/b", "1:100"), link("/c", "1:100"), anEntry("/d"), anEntry("/e"));
  const kept = ["/a", "/b", "/d", "/e"];
  const good = rootfs(link("/a", "9:7"), link("/b", "9:7"), anEntry("/d"), anEntry("/e"));
  expect(compareEntries(fat, good, kept)).toEqual([]);
  const split = rootfs(anEntry("/a"), anEntry("/b"), anEntry("/d"), anEntry("/e"));
  expect(compareEntries(fat, split, kept)).toEqual([{ path: "/b", field: "hard link", fat: "/a", slim: "/b" }]);
  const merged = rootfs(link("/a", "9:7"), link("/b", "9:7"), link("/d", "9:8"), link("/e", "9:8"));
  expect(compareEntries(fat, merged, kept)).toEqual([{ path: "/e", field: "hard link", fat: "/e", slim: "/d" }]);
});

test("configs are compared field by field, our label and the engine's own fields apart", () => {
  const fat = ImageConfig.parse({
    Hostname: "0123",
    Cmd: ["a"],
    User: "1",
    Labels: { x: "1" },
    Healthcheck: { Test: ["CMD", "a"], Retries: 3 },
    New: { deep: [1] },
  });
  const slim = { ...fat, Hostname: "4567", Labels: { x: "1", "dev.winnow.source": "sha256:0" } };
  expect(compareConfig(fat, slim)).toEqual([]);
  expect(compareConfig(ImageConfig.parse({}), { Labels: { "dev.winnow.source": "x" } })).toEqual([]);
  expect(
    compareConfig(fat, {
      ...slim,
      Cmd: ["a", "b"],
      User: undefined,
      Labels: { x: "2" },
      New: { deep: [2] },
      Shell: ["s"],
    }),
  ).toEqual([
    { path: "config.Cmd", field: "Cmd", fat: '["a"]', slim: '["a","b"]' },
    { path: "config.Labels", field: "Labels", fat: '{"x":"1"}', slim: '{"x":"2"}' },
    { path: "config.New", field: "New", fat: '{"deep":[1]}', slim: '{"deep":[2]}' },
    { path: "config.Shell", field: "Shell", fat: "unset", slim: '["s"]' },
    { path: "config.User", field: "User", fat: '"1"', slim: "unset" },
  ]);
});

test("the time of a directory is the engine's where it had to make a mount point in it, and nowhere else", () => {
  const tree = aRootfs({ "/var/lib/a": "a", "/data": "dir" });
  const later = new Map([...tree].map(([path, entry]) => [path, { ...entry, mtime: 9 }]));
  const faulty = (...mountPoints: string[]) => compareEntries(tree, later, ["/var", "/data"], mountPoints);
  const timed = (...mountPoints: string[]) =>
    faulty(...mountPoints).flatMap(({ path, field }) => (field === "mtime" ? [path] : []));
  expect(timed()).toEqual(["/var", "/data"]);
  expect(timed("/var/extra/deep/")).toEqual(["/data"]);
  expect(timed("/data")).toEqual(["/var", "/data"]);
});
