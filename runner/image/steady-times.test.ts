import { execFileSync } from "node:child_process";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { extract, type Header, pack } from "tar-stream";
import { expect, test } from "vitest";
import { SteadyTimes } from "./steady-times.ts";

const created = 1_700_000_000;
type Item = Partial<Header> & { name: string };

async function tarOf(items: Item[], content = ""): Promise<Buffer> {
  const archive = pack();
  const bytes = buffer(archive);
  for (const item of items)
    archive.entry({ mode: 0o644, uid: 0, gid: 0, ...item }, item.type === "directory" ? "" : content);
  archive.finalize();
  return bytes;
}

const steady = (tar: Buffer, latest = created, chunkBytes = tar.length): Promise<Buffer> => {
  const chunks = Array.from({ length: Math.ceil(tar.length / chunkBytes) }, (_chunk, at) =>
    tar.subarray(at * chunkBytes, (at + 1) * chunkBytes),
  );
  return buffer(Readable.from(chunks, { objectMode: false }).pipe(new SteadyTimes(latest)));
};

/** Headers as tar-stream reads them, which checks their sums. */
async function headersOf(tar: Buffer): Promise<object[]> {
  const entries = extract();
  entries.end(tar);
  const headers: object[] = [];
  for await (const entry of entries) {
    const { name, mtime, pax, size } = entry.header;
    headers.push({ name, seconds: (mtime?.getTime() ?? 0) / 1000, pax, size });
    entry.resume();
  }
  return headers;
}

/** A pax header with these records alone; tar-stream always adds the path. Its sum is not looked at. */
async function paxOf(records: string): Promise<Buffer> {
  const tar = (await tarOf([{ name: "PaxHeader" }], records)).subarray(0, 1024);
  tar[156] = 0x78;
  return tar;
}

const at = (seconds: number): Date => new Date(seconds * 1000);
const directory = (name: string, seconds: number): Item => ({ name, type: "directory", mtime: at(seconds) });

test("what the engine touched after the image was made gets the image's time, all else stays", async () => {
  const before = [
    directory("etc/", created + 500),
    { name: "etc/hosts", mtime: at(created + 500) },
    { name: "etc/passwd", mtime: at(created + 500) },
    directory("opt/etc/", created + 500),
  ];
  const after = [directory("etc/", created), { name: "etc/hosts", mtime: at(created) }, ...before.slice(2)];
  expect(await headersOf(await steady(await tarOf(before)))).toEqual(await headersOf(await tarOf(after)));
});

test("an older time is the image's own and stays", async () => {
  const tar = await tarOf([directory("etc/", created - 500), directory("dev/", created)]);
  expect((await steady(tar)).equals(tar)).toBe(true);
});

test("fractions of seconds go with their pax header, other records of it stay", async () => {
  const pax = { mtime: String(created + 500.25), "SCHILY.xattr.user.x": "kept" };
  const result = await steady(await tarOf([{ ...directory("etc/", created + 500), pax }]));
  const expected = await tarOf([{ ...directory("etc/", created), pax: { "SCHILY.xattr.user.x": "kept" } }]);
  expect(await headersOf(result)).toEqual(await headersOf(expected));
  const records = paxOf(`23 mtime=${created + 500}.25\n`);
  const alone = await steady(Buffer.concat([await records, await tarOf([directory("etc/", created + 500)])]));
  expect(await headersOf(alone)).toEqual(await headersOf(await tarOf([directory("etc/", created)])));
  expect(alone.length).toBe(512 + 1024);
});

test("the result is a tar that tar itself reads", async () => {
  const tar = await steady(
    await tarOf([directory("etc/", created + 500), { name: "etc/app.conf", mtime: at(5) }], "content"),
  );
  const listed = execFileSync("tar", ["--utc", "--full-time", "-tvf", "-"], { input: tar }).toString();
  expect(listed).toContain("2023-11-14 22:13:20 etc/\n");
  expect(listed).toContain("1970-01-01 00:00:05 etc/app.conf\n");
});

test("any tar without such entries passes byte for byte, however it is cut", async () => {
  const name = fc.stringMatching(/^[a-zé]{1,30}(\/[a-zé]{1,80}){0,3}$/);
  const item = fc.record({
    name: name.map((text) => `opt/${text}`),
    mtime: fc.integer({ min: 0, max: 2 ** 31 - 1 }).map(at),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 6 }),
      fc.string({ maxLength: 1500 }),
      fc.integer({ min: 1, max: 1600 }),
      async (items, content, cut) => {
        const tar = await tarOf(items, content);
        expect((await steady(tar, 0, cut)).equals(tar)).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});

test("bytes behind the end mark pass too", async () => {
  const tar = Buffer.concat([await tarOf([directory("opt/", 1)]), Buffer.alloc(9216)]);
  expect((await steady(tar)).equals(tar)).toBe(true);
});

test("a tar that ends within an entry, or is none, is an error", async () => {
  const tar = await tarOf([{ name: "opt/x", mtime: at(1) }], "x".repeat(2000));
  await expect(steadyOrThrow(tar.subarray(0, 1024))).rejects.toThrow("ends within an entry");
  await expect(steadyOrThrow(tar.subarray(0, 300))).rejects.toThrow("ends within an entry");
  await expect(steadyOrThrow(Buffer.from("x".repeat(512)))).rejects.toThrow("malformed");
});

async function steadyOrThrow(tar: Buffer): Promise<Buffer> {
  const transform = new SteadyTimes(created);
  transform.end(tar);
  return buffer(transform);
}

test("gives entries the permission that the job wants, names that are no UTF-8 and long ones among them", async () => {
  const long = `srv/${"d".repeat(120)}/file`;
  const items = [directory("srv/", created), { name: "srv/a" }, { name: long, uid: 5_000_000 }, { name: "srv/b" }];
  const permissions = new Map([
    ["/srv", { mode: 0o1777, uid: 7, gid: 8 }],
    [`/${long}`, { mode: 0o4711, uid: 3, gid: 4_000_000_000 }],
  ]);
  const tar = await buffer(Readable.from([await tarOf(items, "content")]).pipe(new SteadyTimes(created, permissions)));
  const entries = extract();
  entries.end(tar);
  const found: unknown[] = [];
  for await (const entry of entries) {
    const { name, mode, uid, gid } = entry.header;
    const content = entry.header.type === "directory" ? "" : String(await buffer(entry as unknown as Readable));
    found.push([name, mode, uid, gid, content]);
  }
  expect(found).toEqual([
    ["srv/", 0o1777, 7, 8, ""],
    ["srv/a", 0o644, 0, 0, "content"],
    // tar-stream does not read owners from records; GNU tar below does.
    [long, 0o4711, 3, expect.any(Number), "content"],
    ["srv/b", 0o644, 0, 0, "content"],
  ]);
  const listed = execFileSync("tar", ["--numeric-owner", "-tvf", "-"], { input: tar, encoding: "utf8" });
  expect(listed.split("\n")[2]).toMatch(/^-rws--x--x 3\/4000000000 /);
});
