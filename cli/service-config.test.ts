import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { WinnowError } from "#contract/error.ts";
import type { Environment } from "./config.ts";
import { loadServiceConfig, type ServiceFlags } from "./service-config.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-config-"));
afterAll(() => rmSync(root, { recursive: true }));

const load = (env: Environment = {}, flags: ServiceFlags = {}) =>
  loadServiceConfig(env, { statePath: "/state", ...flags });

function faultsOf(env: Environment, flags: ServiceFlags = {}): string[] {
  try {
    load(env, flags);
  } catch (thrown) {
    if (thrown instanceof WinnowError && thrown.code === "config.invalid") return thrown.message.split("\n");
    throw thrown;
  }
  return [];
}

const s3 = {
  WINNOW_S3_ENDPOINT: "http://127.0.0.1:9000",
  WINNOW_S3_BUCKET: "winnow",
  WINNOW_S3_ACCESS_KEY_ID: "key",
  WINNOW_S3_SECRET_ACCESS_KEY: "secret",
};

describe("the service's config", () => {
  it("listens on this machine alone, keeps artifacts in the state directory for 30 days, and has a runner", () => {
    expect(load()).toMatchObject({
      listen: { host: "127.0.0.1", port: 7480 },
      statePath: "/state",
      publicUrl: undefined,
      s3: undefined,
      timings: { leaseMs: 60_000, heartbeatMs: 15_000 },
      retention: { days: 30, jobsOfRepository: null },
      log: { level: "info", format: undefined },
      runner: { slots: 1, labels: {} },
    });
  });

  it.each<[string, Environment, ServiceFlags, object]>([
    ["an address", { WINNOW_LISTEN: "0.0.0.0:80" }, {}, { listen: { host: "0.0.0.0", port: 80 } }],
    ["an address of IPv6", { WINNOW_LISTEN: "[::1]:7480" }, {}, { listen: { host: "::1", port: 7480 } }],
    ["a flag over its variable", { WINNOW_LISTEN: "a:1" }, { listen: "b:2" }, { listen: { host: "b", port: 2 } }],
    ["an empty variable as none", { WINNOW_LISTEN: "" }, {}, { listen: { host: "127.0.0.1", port: 7480 } }],
    [
      "a public URL without its last slash",
      { WINNOW_PUBLIC_URL: "https://w.example/x/" },
      {},
      { publicUrl: "https://w.example/x" },
    ],
    ["no retention", { WINNOW_RETENTION_DAYS: "off" }, {}, { retention: { days: null, jobsOfRepository: null } }],
    [
      "retention by both rules",
      {},
      { retentionDays: "7", retentionJobs: "20" },
      { retention: { days: 7, jobsOfRepository: 20 } },
    ],
    ["no runner by variable", { WINNOW_RUNNER: "false" }, {}, { runner: undefined }],
    ["no runner by flag", {}, { runner: false }, { runner: undefined }],
    ["labels", { WINNOW_LABELS: "zone=a, disk=ssd" }, {}, { runner: { labels: { zone: "a", disk: "ssd" } } }],
    ["repeated labels", {}, { labels: ["zone=a", "disk="] }, { runner: { labels: { zone: "a", disk: "" } } }],
    ["slots", {}, { slots: "4" }, { runner: { slots: 4 } }],
    ["shorter timings", { WINNOW_TIMINGS: '{"pollMs":500}' }, {}, { timings: { pollMs: 500, leaseMs: 60_000 } }],
    ["times to stop", { WINNOW_STOP_SECONDS: "5", WINNOW_DRAIN_SECONDS: "60" }, {}, { stopMs: 5000, drainMs: 60_000 }],
    ["the log", { WINNOW_LOG_LEVEL: "panic" }, { logFormat: "text" }, { log: { level: "fatal", format: "text" } }],
    [
      "S3",
      s3,
      {},
      { s3: { endpoint: "http://127.0.0.1:9000", region: "us-east-1", forcePathStyle: true, prefix: "" } },
    ],
    [
      "S3 with the bucket in the name",
      { ...s3, WINNOW_S3_FORCE_PATH_STYLE: "no" },
      {},
      { s3: { forcePathStyle: false } },
    ],
  ])("takes %s", (_what, env, flags, wanted) => {
    expect(load(env, flags)).toMatchObject(wanted);
  });

  it.each<[Environment, ServiceFlags, string]>([
    [{ WINNOW_LISTEN: "7480" }, {}, 'WINNOW_LISTEN "7480": write HOST:PORT'],
    [{ WINNOW_LISTEN: "::1:7480" }, {}, 'WINNOW_LISTEN "::1:7480": write HOST:PORT'],
    [{}, { listen: "a:70000" }, '--listen "a:70000": a port is at most 65535'],
    [{ WINNOW_PUBLIC_URL: "w.example" }, {}, "WINNOW_PUBLIC_URL"],
    [{ WINNOW_PUBLIC_URL: "https://a:b@w.example" }, {}, "no user"],
    [{}, { retentionDays: "-1" }, "--retention-days"],
    [{}, { slots: "0" }, '--slots "0": write at least 1'],
    [{}, { slots: "65" }, "write at most 64"],
    [{}, { labels: ["zone"] }, '"zone": write NAME=value'],
    [{ WINNOW_RUNNER: "perhaps" }, {}, 'WINNOW_RUNNER "perhaps": write true or false'],
    [{ WINNOW_TIMINGS: "fast" }, {}, "write a JSON object"],
    [{ WINNOW_TIMINGS: '{"leaseMs":"1"}' }, {}, "WINNOW_TIMINGS"],
    [{ WINNOW_TIMINGS: '{"leasMs":1}' }, {}, "leasMs"],
    [{ WINNOW_TIMINGS: '{"leaseMs":1}' }, {}, "must rise in this order"],
    [{ WINNOW_LOG_LEVEL: "loud" }, {}, "WINNOW_LOG_LEVEL"],
    [{ WINNOW_S3_BUKET: "winnow" }, {}, 'WINNOW_S3_BUKET: there is no such setting (did you mean "WINNOW_S3_BUCKET"?)'],
    [{ ...s3, WINNOW_S3_FORCE_PATH_STYLE: "perhaps" }, {}, "WINNOW_S3_FORCE_PATH_STYLE"],
    [{ ...s3, WINNOW_S3_ENDPOINT: "localhost:9000" }, {}, 'WINNOW_S3_ENDPOINT "localhost:9000"'],
    [{ ...s3, WINNOW_S3_SECRET_ACCESS_KEY_FILE: "/x" }, {}, "WINNOW_S3_SECRET_ACCESS_KEY is set too"],
  ])("refuses %j %j", (env, flags, wanted) => {
    expect(faultsOf(env, flags).join("\n")).toContain(wanted);
  });

  it("names all faults at once, each where it comes from", () => {
    const env = { WINNOW_LISTEN: "x", WINNOW_RETENTION_DAYS: "soon", WINNOW_S3_BUCKET: "winnow" };
    expect(faultsOf(env, { slots: "many" }).map((fault) => fault.split(/[ :]/)[0])).toEqual([
      "WINNOW_LISTEN",
      "WINNOW_RETENTION_DAYS",
      "--slots",
      "WINNOW_S3_ENDPOINT",
      "WINNOW_S3_ACCESS_KEY_ID",
      "WINNOW_S3_SECRET_ACCESS_KEY",
    ]);
  });

  it("reads secrets from files, and never shows one in a fault", () => {
    const file = join(root, "secret");
    writeFileSync(file, "from-a-file\n");
    const { WINNOW_S3_SECRET_ACCESS_KEY: _, ...rest } = s3;
    expect(load({ ...rest, WINNOW_S3_SECRET_ACCESS_KEY_FILE: file }).s3?.secretAccessKey).toBe("from-a-file");
    expect(faultsOf({ ...rest, WINNOW_S3_SECRET_ACCESS_KEY_FILE: join(root, "none") })).toEqual([
      expect.stringMatching(/^WINNOW_S3_SECRET_ACCESS_KEY_FILE: ENOENT/),
    ]);
    writeFileSync(file, "\n");
    expect(faultsOf({ ...rest, WINNOW_S3_SECRET_ACCESS_KEY_FILE: file })).toEqual([
      expect.stringContaining("is empty"),
    ]);
    const shown = faultsOf({ ...s3, WINNOW_S3_SECRET_ACCESS_KEY: "hunter2", WINNOW_S3_BUCKET: "X" }).join("\n");
    expect(shown).toContain("WINNOW_S3_BUCKET");
    expect(shown).not.toContain("hunter2");
  });
});
