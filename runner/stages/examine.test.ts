import { expect, it } from "vitest";
import { anElf } from "../rules/elf.builder.ts";
import { examine } from "./examine.ts";

const sessionOf = (files: Record<string, Buffer>) => {
  const asked: { path: string; bytes: number }[] = [];
  const read = async (path: string, offset = 0, length = 1 << 30) => {
    const part = files[path]?.subarray(offset, offset + length);
    asked.push({ path, bytes: part?.length ?? 0 });
    return part;
  };
  return { read, asked };
};

it("tells ELF files, scripts and index files apart, and answers for each path", async () => {
  const session = sessionOf({
    "/lib/x.so": anElf({ soname: "x.so" }),
    "/run": Buffer.from("#!/bin/sh -e\n"),
    "/etc/passwd": Buffer.from("root:x:0:0"),
    "/usr/share/passwd.txt": Buffer.from("root"),
  });
  const found = await examine(["/lib/x.so", "/run", "/etc/passwd", "/usr/share/passwd.txt", "/gone", "/run"], session);
  expect(found.size).toBe(5);
  expect(found.get("/lib/x.so")?.elf?.soname).toBe("x.so");
  expect(found.get("/run")?.shebang).toEqual(["/bin/sh", "-e"]);
  expect(found.get("/etc/passwd")?.content?.toString()).toBe("root:x:0:0");
  expect(found.get("/usr/share/passwd.txt")).toEqual({
    elf: undefined,
    shebang: undefined,
    content: undefined,
    readable: true,
  });
  expect(found.get("/gone")?.readable).toBe(false);
});

it("reads a kilobyte of a large file that is nothing special", async () => {
  const session = sessionOf({ "/data": Buffer.alloc(50 << 20, "data") });
  await examine(["/data"], session);
  expect(session.asked).toEqual([{ path: "/data", bytes: 1024 }]);
});

it("asks for many files at once", async () => {
  let open = 0;
  let most = 0;
  const read = async () => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setImmediate(resolve));
    open--;
    return Buffer.from("text");
  };
  const paths = Array.from({ length: 1000 }, (_, index) => `/f${index}`);
  expect((await examine(paths, { read })).size).toBe(1000);
  expect(most).toBe(256);
});

it("a part that cannot be read makes the file unreadable, not an error", async () => {
  const elf = anElf({ interp: "/lib/ld.so", needed: ["a.so"], soname: "x".repeat(2000) });
  const read = async (_path: string, offset = 0, length = 0) => (offset === 0 ? elf.subarray(0, length) : undefined);
  expect((await examine(["/x"], { read })).get("/x")?.readable).toBe(false);
});
