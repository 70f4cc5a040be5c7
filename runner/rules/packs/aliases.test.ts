import { describe, expect, it } from "vitest";
import { aliases } from "./aliases.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const tree = {
  "/usr/local/bin/vault": "x",
  "/usr/local/bin/vault-open": "-> vault",
  "/opt/vault/bin/seal": "-> /usr/local/bin/vault-open",
  "/opt/vault/notes": "-> /usr/local/bin/vault",
  "/usr/local/bin/broken": "-> nowhere",
  "/usr/bin/busybox": "x",
  "/usr/bin/ls": "-> busybox",
};

describe("aliases", () => {
  it("keeps the names in directories of programs that lead to a program", () => {
    expect(keptBy(aliases, aPackContext(tree), ["/usr/local/bin/vault"], "run")).toEqual([
      "/opt/vault/bin/seal",
      "/usr/local/bin/vault-open",
    ]);
  });

  it("keeps the hard links of a program", () => {
    const entries = {
      "/usr/local/bin/vault": { inode: "1:7", links: 2 },
      "/opt/other/vault2": { inode: "1:7", links: 2 },
    };
    const context = aPackContext({ ...tree, "/opt/other/vault2": "x" }, { entries });
    expect(keptBy(aliases, context, ["/usr/local/bin/vault"], "run")).toContain("/opt/other/vault2");
  });

  it("leaves what is only read, and the system's programs, with the names that they have", () => {
    expect(keptBy(aliases, aPackContext(tree), ["/usr/local/bin/vault"], "load")).toEqual([]);
    expect(keptBy(aliases, aPackContext(tree), ["/usr/bin/busybox"], "run")).toEqual([]);
  });
});
