import { describe, expect, it } from "vitest";
import { aRootfs } from "../stages/select.builder.ts";
import { findProgram, variable } from "./program.ts";

const rootfs = aRootfs({
  "/bin": "-> usr/bin",
  "/usr/bin/tool": Buffer.from("x"),
  "/usr/local/bin/tool": "not executable",
  "/opt/app/run": Buffer.from("x"),
  "/opt/app/sub": "dir",
});
const find = (name: string, env: string[] = [], workdir = "/opt/app") => findProgram(rootfs, name, { env, workdir });

describe("findProgram", () => {
  it.each([
    ["the engine's PATH when there is none", find("tool"), "/usr/bin/tool"],
    ["PATH in order, spelled as there", find("tool", ["PATH=/none:/bin:/usr/bin"]), "/bin/tool"],
    ["relative directories of PATH from the working directory", find("run", ["PATH=/bin:."]), "/opt/app/run"],
    ["names with a slash from the working directory", find("./run"), "/opt/app/run"],
    ["absolute names", find("/bin/tool", ["PATH="]), "/bin/tool"],
  ])("searches %s", (_what, found, expected) => {
    expect(found).toBe(expected);
  });

  it("finds neither directories nor files that cannot be executed", () => {
    expect(find("./sub")).toBeUndefined();
    expect(find("/usr/local/bin/tool")).toBeUndefined();
    expect(find("")).toBeUndefined();
  });
});

it("the last assignment of a variable counts", () => {
  expect(variable(["A=1", "AB=2", "A=3=4"], "A")).toBe("3=4");
  expect(variable(["AB=2"], "A")).toBeUndefined();
});
