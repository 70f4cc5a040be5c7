import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { directoryStore } from "./directory.ts";
import { describeStore } from "./store-contract.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-store-"));
const tiny = join(root, "tiny");
const isTinyMounted = mountTiny();

afterAll(() => {
  if (isTinyMounted) execFileSync("umount", [tiny]);
  rmSync(root, { recursive: true });
});

describeStore("a directory as the store", async () => directoryStore(mkdtempSync(join(root, "case-"))));

describe("the files of a directory store", () => {
  it("are for their owner alone", async () => {
    const place = mkdtempSync(join(root, "case-"));
    await directoryStore(place).put("jobs/job_a/1/x", "secret");
    expect(statSync(join(place, "jobs/job_a/1/x")).mode & 0o777).toBe(0o600);
    expect(statSync(join(place, "jobs/job_a")).mode & 0o777).toBe(0o700);
  });

  it("do not count drafts of a writer that died as objects", async () => {
    const place = mkdtempSync(join(root, "case-"));
    const store = directoryStore(place);
    await store.put("jobs/job_a/1/x", "1");
    execFileSync("cp", [join(place, "jobs/job_a/1/x"), join(place, "jobs/job_a/1/.unfinished-of-a-dead-process")]);
    expect(await store.list("jobs/")).toEqual([{ key: "jobs/job_a/1/x", bytes: 1 }]);
  });

  // Needs the right to mount; a file system of 64 KiB is the only honest full disk.
  it.runIf(isTinyMounted)("leave no half object on a full disk, and the error says so", async () => {
    const store = directoryStore(tiny);
    await store.put("jobs/job_a/1/fits", "x".repeat(4096));
    await expect(store.put("jobs/job_a/1/big", Buffer.alloc(1 << 20))).rejects.toMatchObject({ code: "disk.full" });
    expect(readdirSync(join(tiny, "jobs/job_a/1"))).toEqual(["fits"]);
    await store.put("jobs/job_a/1/fits-again", "x".repeat(4096));
  });
});

function mountTiny(): boolean {
  mkdirSync(tiny);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", tiny], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
