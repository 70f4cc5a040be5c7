// Builders for tests: values that pass the schemas, to be changed where a test cares.
import { JobRequest, Limits } from "#contract/job.ts";
import { Report, reportSchemaVersion } from "#contract/report.ts";

/** A request to slim `web:1` in half a GiB, as the schema completes it. */
export function aRequest(change: { [Key in keyof JobRequest]?: JobRequest[Key] } = {}): JobRequest {
  return JobRequest.parse({ image: "web:1", limits: Limits.parse({ memoryBytes: 512 << 20 }), ...change });
}

/** The report of a job that made 100 MiB into 10 MiB and verified it. */
export function aReport(change: Partial<Report> = {}): Report {
  const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
  const image = { configDigest: digest("1"), diffIds: [digest("2")], os: "linux", architecture: "amd64" };
  return Report.parse({
    schemaVersion: reportSchemaVersion,
    winnow: { version: "0.1.0", sensor: "0.1.0" },
    engine: {
      version: "27.0",
      apiVersion: "1.46",
      storage: "overlay2",
      kernel: "6.1",
      architecture: "amd64",
      os: "Debian",
      cgroup: "2",
      rootless: false,
      securityOptions: ["seccomp"],
    },
    job: { id: "job_a", kind: "slim", request: aRequest(), startedAt: 1000, finishedAt: 4500 },
    fat: { ...image, reference: "web:1", chainId: digest("a"), rootfsBytes: 100 << 20, entries: 900, files: 800 },
    slim: {
      ...image,
      reference: "web.slim:1",
      chainId: digest("b"),
      rootfsBytes: 10 << 20,
      entries: 90,
      files: 80,
      tags: ["web.slim:1"],
      layerBytes: 11 << 20,
      manifestDigest: digest("c"),
    },
    ratio: 10,
    verdict: "verified",
    verdictReason: null,
    repairs: [],
    observation: {
      level: "full",
      complete: true,
      scenarios: [{ name: "default", ports: [8080], exitCode: null, answers: 1, startMs: 120 }],
      filesUsed: 80,
      bytesUsed: 10 << 20,
      filesUnused: 720,
      bytesUnused: 90 << 20,
      processes: [{ exe: "/usr/bin/web", argv: ["web"] }],
      syscalls: ["read", "write"],
      warnings: [],
    },
    kept: { observed: { entries: 90, bytes: 10 << 20 } },
    stages: [
      { stage: "observe", durationMs: 2100 },
      { stage: "rebuild", durationMs: 640 },
    ],
    warnings: [],
    artifacts: [],
    ...change,
  });
}
