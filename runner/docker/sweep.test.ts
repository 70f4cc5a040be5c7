import { spawn } from "node:child_process";
import { hostname } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { temporaryReference } from "../image/temporary-reference.ts";
import { createContainer, removeContainer } from "./container.ts";
import { depsFor, enginesUnderTest, loadTestImage, testLabels } from "./engine-under-test.ts";
import { removeImage } from "./images.ts";
import { formatOwner, isDead, labels, type Owner, parseOwner, startTicksOf, thisOwner } from "./owner.ts";
import { leftovers, sweep } from "./sweep.ts";

async function deadProcess(): Promise<Owner> {
  const child = spawn("sleep", ["60"]);
  const owner = { host: hostname(), pid: child.pid ?? 0, startTicks: startTicksOf(child.pid ?? 0) ?? "" };
  expect(isDead(owner)).toBe(false);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  return owner;
}

describe("an owner", () => {
  test("is written and read back", () => {
    const owner = { host: "build-1.example", pid: 17, startTicks: "123456789" };
    expect(parseOwner(formatOwner(owner))).toEqual(owner);
    expect(parseOwner("build/17")).toBeUndefined();
    expect(parseOwner("build/x/17")).toBeUndefined();
    expect(parseOwner("")).toBeUndefined();
  });

  test("is alive while its process is", async () => {
    expect(isDead(thisOwner())).toBe(false);
    expect(isDead(await deadProcess())).toBe(true);
  });

  test("with a pid that another process has now is dead", () => {
    const { host, pid, startTicks } = thisOwner();
    expect(isDead({ host, pid, startTicks: String(Number(startTicks) - 1) })).toBe(true);
  });

  test("on another host is never dead", () => {
    expect(isDead({ host: "elsewhere", pid: 999_999_999, startTicks: "1" })).toBe(false);
  });
});

const engines = await enginesUnderTest(process.env);
const reference = `winnow-test-sweep-${process.pid}:1`;

describe.each(engines)("sweeping $host", (engine) => {
  const made: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    // What the test has swept is gone already.
    for (const remove of made.splice(0).reverse())
      await remove().catch((error) => expect(error).toMatchObject({ statusCode: 404 }));
  });

  async function belongings(jobId: string, owner: Owner): Promise<void> {
    const { docker } = engine;
    const Labels = { ...testLabels, [labels.job]: jobId, [labels.owner]: formatOwner(owner) };
    const container = await docker.createContainer({ Image: reference, Labels, Cmd: ["x"] });
    made.push(() => container.remove({ force: true, v: true }));
    const volume = await docker.createVolume({ Labels });
    made.push(() => volume.remove());
    const temporary = temporaryReference(jobId, 1, owner);
    const colon = temporary.lastIndexOf(":");
    await docker.getImage(reference).tag({ repo: temporary.slice(0, colon), tag: temporary.slice(colon + 1) });
    made.push(() => removeImage({ engine }, temporary));
  }

  test("removes what a dead process of this host left, and nothing else", async () => {
    const deps = depsFor(engine);
    await loadTestImage(deps, reference, [], { Cmd: ["x"] });
    made.push(() => removeImage({ engine }, reference));
    const mine = await createContainer(deps, { Image: reference, Labels: testLabels });
    made.push(() => removeContainer(mine));
    const jobs = { dead: `${deps.jobId}-dead`, living: `${deps.jobId}-living`, foreign: `${deps.jobId}-foreign` };
    await belongings(jobs.dead, await deadProcess());
    await belongings(jobs.living, thisOwner());
    await belongings(jobs.foreign, { host: "elsewhere", pid: 999_999_999, startTicks: "1" });
    const before = await leftovers(engine, jobs.dead);
    const sizes = Object.values(before).map((list) => list.length);
    expect(sizes).toEqual([1, 0, 1, 1]);

    const swept = await sweep(engine);

    for (const [kind, found] of Object.entries(before))
      expect(Object.entries(swept)).toContainEqual([kind, expect.arrayContaining(found)]);
    expect(await leftovers(engine, jobs.dead)).toEqual({ containers: [], networks: [], volumes: [], images: [] });
    for (const job of [jobs.living, jobs.foreign]) {
      expect(Object.values(await leftovers(engine, job)).map((list) => list.length)).toEqual([1, 0, 1, 1]);
    }
    expect((await leftovers(engine, deps.jobId)).containers).toEqual([mine.id]);
    expect((await engine.docker.getImage(reference).inspect()).Id).toMatch(/^sha256:/);
  });

  test("removes what an ended job of this very process left, when told which are at work", async () => {
    const deps = depsFor(engine);
    await loadTestImage(deps, reference, [], { Cmd: ["x"] });
    made.push(() => removeImage({ engine }, reference));
    const jobs = { ended: `${deps.jobId}-ended`, atWork: `${deps.jobId}-at-work` };
    await belongings(jobs.ended, thisOwner());
    await belongings(jobs.atWork, thisOwner());
    await sweep(engine, { jobsAtWork: () => [jobs.atWork] });
    expect(await leftovers(engine, jobs.ended)).toEqual({ containers: [], networks: [], volumes: [], images: [] });
    expect(Object.values(await leftovers(engine, jobs.atWork)).map((list) => list.length)).toEqual([1, 0, 1, 1]);
  });

  test("what a job has is found by the whole of its id", async () => {
    const deps = depsFor(engine);
    await loadTestImage(deps, reference, [], { Cmd: ["x"] });
    made.push(() => removeImage({ engine }, reference));
    await belongings(`${deps.jobId}-longer`, thisOwner());
    expect(await leftovers(engine, deps.jobId)).toEqual({ containers: [], networks: [], volumes: [], images: [] });
  });
});
