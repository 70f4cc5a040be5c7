import { expect, it } from "vitest";
import { keptPaths } from "./kept-paths.ts";

const line = (path: string, kept: boolean) => JSON.stringify({ path, kept, size: 1 });

it("reads what a job kept from its list of files, one line too", () => {
  expect(keptPaths(`${line("/a", true)}\n${line("/b", false)}\n\n${line("/c", true)}\n`, "f")).toEqual(["/a", "/c"]);
  expect(keptPaths(line("/a", true), "f")).toEqual(["/a"]);
  expect(keptPaths("", "f")).toEqual([]);
});

it("reads docker-slim's container report", () => {
  const files = [{ file_path: "/bin/app", mode: "x" }, { file_path: "/etc/app" }, { file_path: "/bin/app" }];
  expect(keptPaths(JSON.stringify({ sensor: {}, image: { files } }, null, 1), "creport.json")).toEqual([
    "/bin/app",
    "/etc/app",
  ]);
});

it.each([
  ["{}", "f does not"],
  ['{"schemaVersion": 1, "kept": {}}', "f does not"],
  ["hello", "f:1 does not"],
  [`${line("/a", true)}\n{"path": "relative", "kept": true}`, "f:2 does not"],
])("refuses %s", (text, message) => {
  expect(() => keptPaths(text, "f")).toThrow(message);
});
