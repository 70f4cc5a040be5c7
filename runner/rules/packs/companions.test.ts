import { expect, it } from "vitest";
import { companions } from "./companions.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const elf = Buffer.from("elf");
const tree = {
  "/var/lib/dpkg/status": "Package: storeutil\nStatus: install ok installed\n",
  "/var/lib/dpkg/info/storeutil.list": "/usr/bin/storeutil\n/usr/bin/stored",
  "/usr/local/bin/store": elf,
  "/usr/local/bin/storectl": elf,
  "/usr/local/bin/stone": elf,
  "/usr/local/bin/stowed": elf,
  "/usr/local/bin/sto-link": "-> /usr/local/bin/other",
  "/usr/local/bin/store.conf": "plain",
  "/usr/local/bin/other": elf,
  "/usr/bin/stored": elf,
  "/usr/bin/storeutil": elf,
};
const executable = { mode: 0o755 };
const entries = {
  "/usr/local/bin/storectl": executable,
  "/usr/local/bin/stone": { ...executable, size: 50 << 20 },
  "/usr/local/bin/stowed": { ...executable, size: 60 << 20 },
  "/usr/local/bin/other": executable,
  "/usr/bin/storeutil": executable,
  "/usr/local/bin/store.conf": { mode: 0o644 },
};
const ran = (exe: string) => keptBy(companions, aPackContext(tree, { entries, processes: [{ exe, argv: [exe] }] }));

it("keeps programs without a package that are named like one that ran, as far as their size allows", () => {
  expect(ran("/usr/local/bin/store")).toEqual(["/usr/local/bin/stone", "/usr/local/bin/storectl"]);
});

it("leaves the programs of packages to the rule for packages", () => {
  expect(ran("/usr/bin/stored")).toEqual([]);
});
