import { expect, it } from "vitest";
import { confDirectories, parseMuslPath, parsePreload } from "./ld-so-files.ts";

it("ld.so.conf lists directories, and those of the files it includes in their order", () => {
  const contents = new Map([
    ["/etc/ld.so.conf", "/first # x\ninclude ld.so.conf.d/*.conf /etc/more\nhwcap 0 nosegneg\n/last=libc6\n"],
    ["/etc/ld.so.conf.d/b.conf", "/b\n"],
    ["/etc/ld.so.conf.d/a.conf", "/a1:/a2\n/a3, /a4\ninclude /etc/ld.so.conf\n"],
    ["/etc/ld.so.conf.d/readme", "/not-this"],
    ["/etc/more", "/more\ninclude /etc/[broken\n"],
  ]);
  expect(confDirectories(contents)).toEqual(["/first", "/a1", "/a2", "/a3", "/a4", "/b", "/more", "/last"]);
  expect(confDirectories(new Map())).toEqual([]);
});

it("ld.so.preload separates by blanks, line ends and colons, and knows comments", () => {
  expect(parsePreload("liba.so /lib/libb.so # c.so\nd.so:e.so\n")).toEqual(["liba.so", "/lib/libb.so", "d.so", "e.so"]);
  expect(parsePreload("\n")).toEqual([]);
});

it("a musl path file separates by line ends and colons", () => {
  expect(parseMuslPath("/lib:/usr/lib\n/opt\n\n")).toEqual(["/lib", "/usr/lib", "/opt"]);
});
