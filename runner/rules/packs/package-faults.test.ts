import { expect, it } from "vitest";
import { readOwners } from "../../stages/read-owners.ts";
import { aRootfs } from "../../stages/select.builder.ts";
import { aPackContext } from "./pack.builder.ts";
import { packageFaults } from "./package-faults.ts";

const status = "Package: a\nStatus: install ok installed\nVersion: 1\n\n";
const installed = "C:Q1\nP:a\nV:1\nF:usr\nR:a\n\n";

it.each([
  ["/var/lib/dpkg/status", status],
  ["/var/lib/dpkg/status", status.trimEnd().concat("\n")],
  ["/var/lib/dpkg/status", ""],
  ["/lib/apk/db/installed", installed],
  ["/app/status", "cut"],
])("finds nothing wrong with a whole %s", (path, text) => {
  expect(packageFaults(aPackContext({ [path]: text }))).toEqual([]);
});

it.each([
  ["/var/lib/dpkg/status", `${status}Package: b\nStatus: install ok inst`, "is cut short"],
  ["/var/lib/dpkg/status", `${status}Package: b\nStatus: install ok installed\n`, "is cut short"],
  ["/lib/apk/db/installed", `${installed}C:Q2\nP:b\nV:1\nF:us`, "is cut short"],
  ["/lib/apk/db/installed", `${installed}C:Q2\nP:b\n`, "is cut short"],
  ["/var/lib/rpm/Packages", "no table", "is in no format that rpm has"],
])("tells that %s is damaged", (path, text, fault) => {
  expect(packageFaults(aPackContext({ [path]: text }))).toEqual([`${path} ${fault}`]);
});

it("tells a list of files that is cut short, or larger than any list", () => {
  const lists = { "/var/lib/dpkg/info/a.list": "/.\n/usr\n/usr/bi" };
  const tree = { "/var/lib/dpkg/status": status, ...lists };
  expect(packageFaults(aPackContext(tree))).toEqual(["/var/lib/dpkg/info/a.list is cut short"]);
  const entries = { "/var/lib/dpkg/info/a.list": { size: 1 << 30 } };
  expect(packageFaults(aPackContext(tree, { entries }))).toEqual(["/var/lib/dpkg/info/a.list cannot be read"]);
});

it("is asked beside the owners, of contents that are read by then", async () => {
  const tree = { "/var/lib/dpkg/status": status, "/var/lib/dpkg/info/a.list": "/.\n/usr/a", "/usr/a": "a" };
  const read = async (path: string) => Buffer.from(tree[path as keyof typeof tree]);
  const owners = await readOwners(aRootfs(tree), { read });
  expect(owners.faults).toEqual(["/var/lib/dpkg/info/a.list is cut short"]);
  expect(owners.of("/usr/a")).toBe(0);
});
