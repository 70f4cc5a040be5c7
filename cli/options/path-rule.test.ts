import { expect, it } from "vitest";
import { linesOf, toPathRule, toPermsRule } from "./path-rule.ts";

it.each([
  ["/srv", { path: "/srv", perms: undefined }],
  ["/srv/a:b", { path: "/srv/a:b", perms: undefined }],
  ["/srv\\:80", { path: "/srv\\:80", perms: undefined }],
  ["/srv:755", { path: "/srv", perms: { path: "/srv", mode: 0o755, uid: undefined, gid: undefined } }],
  ["/srv/**:4755#0#5", { path: "/srv/**", perms: { path: "/srv/**", mode: 0o4755, uid: 0, gid: 5 } }],
  ["/srv:#7", { path: "/srv", perms: { path: "/srv", mode: undefined, uid: 7, gid: undefined } }],
  ["/srv:##8", { path: "/srv", perms: { path: "/srv", mode: undefined, uid: undefined, gid: 8 } }],
])("reads %s", (text, expected) => {
  expect(toPathRule(text)).toEqual({ ...expected, from: undefined });
});

it.each([
  ["srv", '"srv" is no absolute path.'],
  ["/srv:888", '"888" is no octal mode.'],
  ["/srv:07555", '"07555" is no octal mode.'],
  ["/srv:", '"/srv:" ends in a colon.'],
  ["/srv:755#root", '"#root" is no #UID#GID.'],
])("refuses %s with its line", (text, message) => {
  expect(() => toPathRule(text, "keep.txt:3")).toThrow(`keep.txt:3: ${message}`);
  expect(() => toPathRule(text)).toThrow(message);
});

it("wants something behind the path where only that counts", () => {
  expect(toPermsRule("/srv:700").perms.mode).toBe(0o700);
  expect(() => toPermsRule("/srv", "p:1")).toThrow('p:1: "/srv" does not say which mode or owner.');
});

it("takes the lines that say something, each with its place", () => {
  expect(linesOf("# paths\r\n\n /a \r\n/b", "f")).toEqual([
    { text: "/a", from: "f:3" },
    { text: "/b", from: "f:4" },
  ]);
});
