import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { loadRunnerConfig } from "./runner-config.ts";

const directory = mkdtempSync(join(tmpdir(), "winnow-runner-config-"));
afterAll(() => rmSync(directory, { recursive: true }));
const statePath = "/var/lib/winnow";

it("a server is all that has to be said", () => {
  expect(loadRunnerConfig({}, { statePath, server: "https://winnow.example/" })).toMatchObject({
    server: "https://winnow.example",
    token: undefined,
    labels: {},
    slots: 1,
    statePath: "/var/lib/winnow/runner",
    diskFloorBytes: 10 * 2 ** 30,
    log: { level: "info", format: "json" },
  });
});

it("flags win over variables, and an empty variable is not set", () => {
  const env = {
    WINNOW_SERVER: "http://a:1",
    WINNOW_TOKEN: "wreg_env",
    WINNOW_LABELS: "zone=a,disk=ssd",
    WINNOW_SLOTS: "",
    WINNOW_DISK_FLOOR: "0.5",
  };
  const flags = { statePath, server: "http://b:2", labels: ["zone=b", "gpu="], name: "host-1" };
  expect(loadRunnerConfig(env, flags)).toMatchObject({
    server: "http://b:2",
    token: "wreg_env",
    labels: { zone: "b", gpu: "" },
    slots: 1,
    name: "host-1",
    diskFloorBytes: 2 ** 29,
  });
});

it("a token may stand in a file", () => {
  const file = join(directory, "token");
  writeFileSync(file, "wreg_file\n");
  const env = { WINNOW_SERVER: "http://a:1", WINNOW_TOKEN_FILE: file };
  expect(loadRunnerConfig(env, { statePath }).token).toBe("wreg_file");
  expect(loadRunnerConfig(env, { statePath, token: "wreg_flag" }).token).toBe("wreg_flag");
  expect(() => loadRunnerConfig({ ...env, WINNOW_TOKEN: "x" }, { statePath })).toThrow("say it once");
});

it("all faults are told at once, and the token is not among them", () => {
  const env = { WINNOW_TOKEN: "wreg with blanks", WINNOW_SLOTS: "65", WINNOW_LABELS: "a" };
  const flags = { statePath, name: "a b", diskFloor: "much" };
  const told = (() => {
    try {
      loadRunnerConfig(env, flags);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(told).toMatchObject({ code: "config.invalid" });
  const { message } = told as Error;
  expect(message.split("\n").map((line) => line.split(/[ :]/)[0])).toEqual([
    "WINNOW_SERVER",
    "WINNOW_TOKEN",
    "--name",
    "WINNOW_LABELS",
    "WINNOW_SLOTS",
    "--disk-floor",
  ]);
  expect(message).not.toContain("blanks");
});
