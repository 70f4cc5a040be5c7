import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Progress } from "#runner/deps.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import { formatOwner, labels, thisOwner } from "#runner/docker/owner.ts";
import { buildCommandLine, runWinnow, startWinnow } from "./command-line.ts";
import { openFaultBench } from "./fault-bench.ts";
import { ballast, directory, faultLabel, file } from "./fault-images.ts";
import { imagesFrom } from "./residue.ts";

const [engine] = await enginesUnderTest(process.env);
if (!engine) throw new Error("no engine to test on");
const bench = openFaultBench(engine, "interrupts");
afterAll(() => bench.close());

/** The stages that a job on this image goes through, each at least once. */
const stages = ["resolve", "index", "observe", "select", "rebuild", "assert", "verify", "repair", "bare", "publish"];

describe.concurrent("a cancelled job", () => {
  let repaired = "";
  let random = "";
  beforeAll(async () => {
    const files = [ballast, file("extra", "x"), directory("data"), file("data/one", "1")];
    repaired = await bench.image(["wants", "/extra", "/data", "1"], { files });
    random = await bench.image(["random"]);
  });

  const cancelled = async (image: () => string, stage: string, afterMs: number) => {
    const aborter = new AbortController();
    const progress = (event: Progress): void => {
      if (event.kind !== "stage" || event.stage !== stage || event.state !== "started") return;
      if (afterMs === 0) aborter.abort();
      else setTimeout(() => aborter.abort(), afterMs);
    };
    // A tag of its own: other jobs on the same image may be further.
    const tag = `winnow-test-interrupts-${process.pid}:${stage}-${afterMs}`;
    const ended = await bench.run(image(), { tags: [tag] }, { progress, signal: aborter.signal });
    expect(ended.left).toEqual([]);
    const tagged = await engine.docker.listImages({ filters: { reference: [tag] } });
    return {
      why: ended.error?.message,
      code: ended.error?.code,
      verdict: ended.report?.verdict,
      tagged: tagged.length,
    };
  };
  const nothing = { code: "job.canceled", verdict: undefined, tagged: 0 };

  test.each(stages)("ends when %s starts", async (stage) => {
    expect(await cancelled(() => repaired, stage, 0)).toMatchObject(nothing);
  });

  test.each(stages)("ends 50 ms after the start of %s", async (stage) => {
    const ended = await cancelled(() => repaired, stage, 50);
    // Publishing is a matter of milliseconds: an abort after it comes too late, and then the job is done.
    if (stage === "publish" && ended.code === undefined)
      expect(ended).toMatchObject({ verdict: "repaired", tagged: 1 });
    else if (stage === "resolve" || stage === "select" || stage === "repair") expect(ended.tagged).toBe(0);
    else expect(ended).toMatchObject(nothing);
  });

  test.each([0, 50])("ends %i ms after the original was asked for noise", async (afterMs) => {
    expect(await cancelled(() => random, "noise", afterMs)).toMatchObject(nothing);
  });

  test("that was cancelled before it began has done nothing", async () => {
    const signal = AbortSignal.abort();
    const { error, left } = await bench.run(repaired, {}, { signal });
    expect({ code: error?.code, left }).toEqual({ code: "job.canceled", left: [] });
  });
});

describe("the command line", () => {
  const statePath = mkdtempSync(join(tmpdir(), "winnow-interrupts-"));
  const where = { statePath, host: engine.host };
  beforeAll(buildCommandLine);
  afterAll(() => rmSync(statePath, { recursive: true, force: true }));

  /** Containers of ours that a process of this host has made. */
  const containersOf = async (pid: number): Promise<string[]> => {
    const all = await engine.docker.listContainers({ all: true, filters: { label: [labels.owner] } });
    return all.filter(({ Labels }) => Labels[labels.owner]?.startsWith(`${hostname()}/${pid}/`)).map(({ Id }) => Id);
  };

  test.each(["SIGINT", "SIGTERM"] as const)("cleans up after %s and exits with 130", async (signal) => {
    const image = await bench.image(["silent"]);
    const winnow = startWinnow(["slim", image], where);
    await winnow.sees("observe …");
    winnow.kill(signal);
    const { code, stderr } = await winnow.ended();
    expect(code).toBe(130);
    expect(stderr).toMatch(/error: The job was canceled\.\nhint: {2}\S/);
    expect(await containersOf(winnow.pid)).toEqual([]);
    expect(await imagesFrom(engine, image)).toEqual([]);
    expect(readdirSync(join(statePath, "tmp"))).toEqual([]);
    const jobs = await runWinnow(["jobs", "--limit", "1", "--json"], where);
    expect(JSON.parse(jobs.stdout)).toMatchObject({ jobs: [{ state: "canceled" }] });
  });

  test("that was killed leaves what the next run removes, and nothing else goes", async () => {
    const { docker } = engine;
    const image = await bench.image(["silent"]);
    const made = (more: Record<string, string>) =>
      docker.createContainer({ Image: image, Cmd: ["silent"], Labels: { ...faultLabel, ...more } });
    const foreign = await made({});
    const living = await made({ [labels.job]: "test", [labels.owner]: formatOwner(thisOwner()) });
    try {
      const winnow = startWinnow(["slim", image], where);
      await winnow.sees("observe …");
      await expect.poll(() => containersOf(winnow.pid), { timeout: 30_000 }).not.toEqual([]);
      winnow.kill("SIGKILL");
      await winnow.ended();
      expect(await containersOf(winnow.pid)).not.toEqual([]);
      const next = await runWinnow(["slim", await bench.image(["exit", "3"])], where);
      expect(next.code).toBe(1);
      expect(await containersOf(winnow.pid)).toEqual([]);
      const volumes = await docker.listVolumes({ filters: { label: [labels.owner] } });
      const owners = (volumes.Volumes ?? []).map(({ Labels }) => Labels[labels.owner] ?? "");
      expect(owners.filter((owner) => owner.startsWith(`${hostname()}/${winnow.pid}/`))).toEqual([]);
      await Promise.all([foreign.inspect(), living.inspect()]); // both are still there
    } finally {
      await Promise.all([foreign.remove(), living.remove()]);
    }
  });
});
