import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startTicksOf } from "../docker/owner.ts";
import { readState, writeState } from "./state-file.ts";
import { openWorkspace } from "./workspace.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "winnow-workspace-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

it("what a dead process left is removed, and so is its own when it ends", () => {
  const left = join(directory, "tmp", "4194303.17", "job_a-1");
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, "job.log"), "x");
  const { path, close } = openWorkspace(directory);
  expect(existsSync(left)).toBe(false);
  expect(existsSync(path)).toBe(true);
  close();
  expect(readdirSync(join(directory, "tmp"))).toEqual([]);
});

it("a state that a living runner uses is refused", () => {
  const parent = process.ppid;
  const living = join(directory, "tmp", `${parent}.${startTicksOf(parent)}`);
  mkdirSync(living, { recursive: true });
  expect(() => openWorkspace(directory)).toThrow(`process ${parent}`);
  expect(existsSync(living)).toBe(true);
});

it("a state that cannot be written is a fault of the settings", () => {
  writeFileSync(join(directory, "file"), "");
  expect(() => openWorkspace(join(directory, "file"))).toThrow(expect.objectContaining({ code: "config.invalid" }));
});

it("a runner stays who it is", () => {
  const first = readState(directory);
  expect(readState(directory)).toEqual(first);
  const registered = { url: "http://a", runnerId: "run_1", token: "wrun_1" };
  writeState(directory, { ...first, registered });
  expect(readState(directory)).toEqual({ ...first, registered });
  expect(readdirSync(directory)).toEqual(["runner.json"]);
});

it("a state that is damaged is told, and not replaced by another one", () => {
  writeFileSync(join(directory, "runner.json"), '{"systemId":');
  expect(() => readState(directory)).toThrow(expect.objectContaining({ code: "config.invalid" }));
});
