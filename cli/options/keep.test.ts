import { Command } from "commander";
import { expect, it } from "vitest";
import type { JobRequest } from "#contract/job.ts";
import { JobOptions, toJobRequest } from "../options.ts";
import { addKeepOptions } from "./keep.ts";

const read = (options: Partial<JobOptions>, files: Record<string, string> = {}): JobRequest =>
  toJobRequest("app", JobOptions.parse({ kind: "slim", ...options }), new Map(Object.entries(files)));

it("puts the rules of flags and files together, and remembers the lines", () => {
  const { keep } = read(
    {
      includePath: ["/a:755#1#2"],
      includePathFile: ["p.txt"],
      preservePath: ["/c"],
      includeExe: ["psql"],
      includeExeFile: ["e.txt"],
      pathPermsFile: ["perms.txt"],
      includeNodePackage: ["@acme/x"],
      includeShell: true,
      includeOslibsNet: false,
      includeLastImageLayers: "2",
      appImageStartInstructionGroup: "1",
      includePathsCreportFile: ["files.jsonl"],
    },
    {
      "p.txt": "# mine\n/b\n",
      "e.txt": "jq\n",
      "perms.txt": "/d:700",
      "files.jsonl": '{"path":"/kept","kept":true}\n{"path":"/gone","kept":false}\n',
    },
  );
  expect(keep).toMatchObject({
    includePaths: ["/a", "/b", "/c"],
    includeExes: ["psql", "jq"],
    pathPerms: [
      { path: "/a", mode: 0o755, uid: 1, gid: 2 },
      { path: "/d", mode: 0o700 },
    ],
    includePackages: ["npm:@acme/x"],
    includeShell: "minimal",
    includeNetwork: false,
    includeLastLayers: 2,
    includeAppImage: { startGroup: 1 },
    includeReported: [{ name: "files.jsonl", paths: ["/kept"] }],
    readFrom: {
      "--include-path /b": "p.txt:2",
      "--include-exe jq": "e.txt:1",
      "--path-perms /d:700": "perms.txt:1",
    },
  });
});

it("asks for nothing unless it is told to", () => {
  const { keep, output } = read({});
  expect(keep).toMatchObject({ includeShell: "none", includeLastLayers: 0, includeHealthcheck: true, readFrom: {} });
  expect([keep.includeAppImage, keep.includeCertificates, keep.includeZoneinfo]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(output).toMatchObject({ keepOverrides: [], env: [], removeEnv: [] });
});

it.each<[string[], boolean]>([
  [[], true],
  [
    ["--include-healthcheck", "--include-distro-info", "--exclude-mounts", "--exclude-varlock-files", "--keep-perms"],
    true,
  ],
  [
    ["--no-include-healthcheck", "--no-include-distro-info", "--no-exclude-mounts", "--no-exclude-varlock-files"],
    false,
  ],
])("takes %j: what holds by default may be said, and taken back", (words, isOn) => {
  const command = new Command().exitOverride();
  addKeepOptions(command);
  const { keep } = read(command.parse(words, { from: "user" }).opts());
  expect([keep.includeHealthcheck, keep.includeDistroInfo, keep.excludeMounts, keep.excludeLockFiles]).toEqual(
    Array(4).fill(isOn),
  );
});

it("reads the edits of the image", () => {
  const { output } = read({
    imageOverrides: ["env,user", "expose"],
    newEntrypoint: "[]",
    newCmd: "serve 'a b'",
    newExpose: ["80"],
    removeLabel: ["x"],
  });
  expect(output).toMatchObject({
    keepOverrides: ["env", "user", "expose"],
    entrypoint: [],
    cmd: ["serve", "a b"],
    expose: ["80"],
    removeLabels: ["x"],
  });
});

it.each<[Partial<JobOptions>, string]>([
  [{ includePathFile: ["f"] }, '--include-path-file: f:2: "relative" is no absolute path.'],
  [{ includeBinFile: ["f"] }, '--include-bin-file: f:2: "relative" is no absolute path.'],
  [{ pathPerms: ["/a:9"] }, '--path-perms: "9" is no octal mode.'],
  [{ pathPerms: ["/a:755", "/a:700"] }, '--path-perms "/a": /a:700 contradicts /a:755'],
  [{ includePath: ["/a"], excludePattern: ["/a"] }, '--exclude-pattern "/a": --include-path /a asks to keep what this'],
  [{ newEnv: ["A=1"], removeEnv: ["A"] }, '--remove-env "A": A is to be added and to be taken away'],
  [{ includeCertAll: false, includeCertDirs: true }, "--include-cert-all: the rules for certificates contradict"],
  [{ includeLastImageLayers: "two" }, "--include-last-image-layers: "],
  [{ imageOverrides: ["hostname"] }, "--image-overrides"],
  [{ includePackage: ["a b"] }, '--include-package "a b": write NAME'],
  [{ includePathsCreportFile: ["f"] }, "--include-paths-creport-file: f:1 does not say what was kept."],
])("refuses %j", (options, message) => {
  expect(() => read(options, { f: "/fine\nrelative" })).toThrow(message);
});
