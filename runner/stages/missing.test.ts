import { describe, expect, test } from "vitest";
import type { KeepSet } from "../keep-set.ts";
import type { ScenarioRun } from "../observation.ts";
import { hiddenInListings, missingInSlim } from "./missing.ts";
import { aRootfs, aRun } from "./select.builder.ts";

const ran = (...events: string[]): ScenarioRun[] => [
  {
    scenario: "default",
    answers: [],
    discovered: [],
    ports: [],
    startMs: null,
    totalMs: 0,
    ending: { code: 0, how: "ended" },
    sensor: [aRun(events)],
    rawEvents: [],
    growth: [],
    output: Buffer.alloc(0),
    warnings: [],
  },
];
const kept = (...paths: string[]): KeepSet => new Map(paths.map((path) => [path, { kind: "observed", by: "default" }]));
const free = () => false;

describe("missing in the slim image", () => {
  const rootfs = aRootfs({ "/app/view.html": "text", "/app/link": "-> view.html", "/etc/app.conf": "text" });

  test("are paths looked for in vain that the original has", () => {
    const runs = ran("read /app/view.html noent", "stat /nowhere noent");
    expect(missingInSlim(runs, rootfs, kept("/app"), free)).toEqual(["/app/view.html"]);
  });

  test("come with the links that lead there", () => {
    expect(missingInSlim(ran("read /app/link noent"), rootfs, kept("/app"), free)).toEqual([
      "/app/link",
      "/app/view.html",
    ]);
  });

  test("are not what was found, what is kept, or what the user excluded", () => {
    const runs = ran("read /app/view.html ok", "stat /etc/app.conf noent");
    expect(missingInSlim(runs, rootfs, kept("/etc/app.conf"), free)).toEqual([]);
    expect(missingInSlim(runs, rootfs, kept(), (path) => path === "/etc/app.conf")).toEqual([]);
  });
});

describe("hidden in listings", () => {
  test("are the direct entries of a listed directory that are not kept", () => {
    const rootfs = aRootfs({ "/app/a": "text", "/app/b": "text", "/app/sub/c": "text" });
    const runs = ran("list /app ok");
    expect(hiddenInListings(runs, rootfs, kept("/app", "/app/a"), free)).toEqual(["/app/b", "/app/sub"]);
    expect(hiddenInListings(ran("stat /app ok"), rootfs, kept("/app"), free)).toEqual([]);
  });
});
