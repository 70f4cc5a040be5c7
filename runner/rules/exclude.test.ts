import { expect, it } from "vitest";
import { aRootfs } from "../stages/select.builder.ts";
import { exclusion } from "./exclude.ts";

const rootfs = aRootfs({ "/lib": "-> usr/lib", "/usr/lib/a/b": "x", "/usr/lib/c.md": "x" });

it("a pattern takes what it matches and everything below, and the first one that does is named", () => {
  const excludedBy = exclusion(rootfs, ["/usr/lib/a", "**/*.md", "/usr/lib/a/b"]);
  expect(excludedBy("/usr/lib/a/b")).toBe("/usr/lib/a");
  expect(excludedBy("/usr/lib/c.md")).toBe("**/*.md");
  expect(excludedBy("/usr/lib")).toBeUndefined();
});

it("a pattern that goes through a link takes the entry behind it", () => {
  const excludedBy = exclusion(rootfs, ["/lib/*.md"]);
  expect(excludedBy("/usr/lib/c.md")).toBe("/lib/*.md");
  expect(excludedBy("/lib")).toBeUndefined();
});

it("no pattern takes nothing", () => {
  expect(exclusion(rootfs, [])("/usr")).toBeUndefined();
});
