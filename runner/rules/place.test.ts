import { describe, expect, it } from "vitest";
import { aRootfs } from "../stages/select.builder.ts";
import { placing } from "./place.ts";

const place = placing(
  aRootfs({
    "/a/file": "x",
    "/link": "-> a",
    "/a/self": "-> file",
    "/a/b/c": "dir",
    "/far": "-> /a/b/c",
    "/round": "-> round",
  }),
);

describe("placing", () => {
  it.each([
    ["/a/file", "/a/file", []],
    ["/link/file", "/a/file", ["/link"]],
    ["/link/self", "/a/self", ["/link"]],
    ["/link", "/link", []],
    ["/link/", "/link", []],
    ["/", "/", []],
    ["//a//file", "/a/file", []],
    ["/far/../c", "/a/b/c", ["/far", "/a/b/c"]],
    ["/a/b/../file", "/a/file", ["/a/b"]],
    ["/a/b/..", "/a", ["/a/b"]],
    ["a/file", "/a/file", []],
  ])("%s is %s", (spelled, path, passed) => {
    const found = place(spelled);
    expect(found?.path).toBe(path);
    expect([...new Set(found?.passed)].filter((each) => each !== "/")).toEqual(
      passed.length > 0 ? expect.arrayContaining(passed) : [],
    );
  });

  it.each(["/none", "/a/file/x", "/round/x", "/a/none/../file"])("%s is nothing", (spelled) => {
    expect(place(spelled)).toBeUndefined();
  });
});
