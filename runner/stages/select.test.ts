import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Keep } from "#contract/job.ts";
import { reasonChain } from "../keep-set.ts";
import { resolvePath } from "../rootfs.ts";
import { anElf } from "../rules/elf.builder.ts";
import { aLibrary, aProgram, aRootfs, aRun, selected } from "./select.builder.ts";
import { select } from "./select.ts";

const paths = ({ kept }: { kept: ReadonlyMap<string, unknown> }) => [...kept.keys()].sort();
const codes = ({ warnings }: { warnings: { code: string }[] }) => warnings.map((warning) => warning.code);

describe("what was observed", () => {
  it("stays with its directories, and nothing else does", async () => {
    const selection = await selected({ "/app/a.txt": "aaa", "/app/b.txt": "bbb", "/opt/c": "ccc" }, [
      "read /app/a.txt",
    ]);
    expect(paths(selection)).toEqual(["/", "/app", "/app/a.txt"]);
    expect(selection.kept.get("/app/a.txt")).toEqual({ kind: "observed", by: "default", detail: "read" });
    expect(selection.kept.get("/app")).toEqual({ kind: "parent", by: "/app/a.txt" });
  });

  it.each(["stat", "readlink", "list", "chdir", "xattr", "other", "write", "exec"])(
    "stays when it was only: %s",
    async (kind) => {
      expect(paths(await selected({ "/a/x": "text", "/a/y": "text" }, [`${kind} /a/x`]))).toEqual(["/", "/a", "/a/x"]);
    },
  );

  it("stays when the application was refused: without the entry the answer would be another", async () => {
    expect(paths(await selected({ "/a/x": "text" }, ["read /a/x err"]))).toEqual(["/", "/a", "/a/x"]);
  });

  it("leaves out what the application made itself", async () => {
    expect(paths(await selected({ "/a/x": "text" }, ["read /a/made", "stat /b/c"]))).toEqual(["/"]);
  });

  it("keeps the directory in which a file was created, but none in which one was only looked for", async () => {
    const tree = { "/var/spool": "dir", "/var/cache": "dir" };
    const selection = await selected(tree, [
      "write /var/spool/job noent",
      "read /var/cache/x noent",
      "write /none/x noent",
    ]);
    expect(paths(selection)).toEqual(["/", "/var", "/var/spool"]);
  });

  it("keeps a listed directory, not what is in it", async () => {
    expect(paths(await selected({ "/a/x": "text" }, ["list /a"]))).toEqual(["/", "/a"]);
  });

  it("keeps the names of a hard link that were used", async () => {
    const rootfs = new Map(aRootfs({ "/a": "text", "/b": "text", "/c": "text" }));
    const first = rootfs.get("/a");
    for (const path of ["/b", "/c"]) if (first) rootfs.set(path, { ...first, path });
    const config = { entrypoint: [], cmd: [], user: "", workdir: "", env: [], volumes: [], healthcheck: undefined };
    const facts = new Map(
      ["/a", "/b"].map((path) => [path, { elf: undefined, shebang: undefined, content: undefined, readable: true }]),
    );
    const keep = Keep.parse({ profile: "exact" });
    const runs = [{ scenario: "s", run: aRun(["read /a", "stat /b"]) }];
    expect(paths(select({ rootfs, runs, config, keep, repairs: [], facts, contents: new Map() }))).toEqual([
      "/",
      "/a",
      "/b",
    ]);
  });
});

describe("links", () => {
  it("bring their targets, through any number of links and directories", async () => {
    const tree = {
      "/bin": "-> usr/bin",
      "/usr/bin/sh": "-> ../local/dash",
      "/usr/local": "-> /opt",
      "/opt/dash": "dash",
    };
    const selection = await selected(tree, ["stat /bin/sh"]);
    expect(paths(selection)).toEqual([
      "/",
      "/bin",
      "/opt",
      "/opt/dash",
      "/usr",
      "/usr/bin",
      "/usr/bin/sh",
      "/usr/local",
    ]);
    expect(selection.kept.get("/opt/dash")).toEqual({ kind: "target", by: "/usr/bin/sh" });
  });

  it("that were followed stay even when only their target was used", async () => {
    const run = aRun(["read /data/x"], { links: [{ path: "/link", target: "data" }] });
    expect(paths(await selected({ "/link": "-> data", "/data/x": "text" }, [], { run }))).toEqual([
      "/",
      "/data",
      "/data/x",
      "/link",
    ]);
  });

  it("into a volume stay links, and lead to what seeds it", async () => {
    const tree = { "/app/uploads": "-> /data/uploads", "/data/uploads/seed": "text", "/app/logs": "-> /data/none" };
    const selection = await selected(tree, ["stat /data/uploads", "readlink /app/logs"], {
      config: { volumes: ["/data"] },
      run: aRun(["stat /data/uploads", "readlink /app/logs"], {
        links: [{ path: "/app/uploads", target: "/data/uploads" }],
      }),
    });
    expect(paths(selection)).toEqual([
      "/",
      "/app",
      "/app/logs",
      "/app/uploads",
      "/data",
      "/data/uploads",
      "/data/uploads/seed",
    ]);
  });

  it("that lead round in a circle or nowhere end the walk", async () => {
    const tree = { "/a": "-> b", "/b": "-> a", "/c": "-> /none", "/d/e": "-> ../d/e/x" };
    expect(paths(await selected(tree, ["readlink /a", "readlink /c", "exec /d/e"]))).toEqual([
      "/",
      "/a",
      "/b",
      "/c",
      "/d",
      "/d/e",
    ]);
  });

  it("with .. behind a linked directory are followed as the kernel does", async () => {
    const tree = {
      "/x": "-> /far/away",
      "/far/away": "dir",
      "/far/file": "text",
      "/link": "-> x/../file",
      "/file": "wrong",
    };
    expect(paths(await selected(tree, ["stat /link"]))).toEqual(["/", "/far", "/far/away", "/far/file", "/link", "/x"]);
  });
});

describe("entries that no image holds", () => {
  it("are left out whatever asks for them", async () => {
    const tree = {
      "/.dockerenv": "x",
      "/etc/hosts": "x",
      "/etc/resolv.conf": "x",
      "/etc/hostname": "x",
      "/run/s.sock": "socket",
      "/dev/null": "x",
    };
    const events = Object.keys(tree).map((path) => `read ${path}`);
    const selection = await selected(tree, events, { keep: { includePaths: ["/etc", "/dev", "/run/*"] } });
    expect(paths(selection)).toEqual(["/", "/dev", "/etc", "/run"]);
  });
});

describe("an ELF file that was read or executed", () => {
  const tree = {
    "/bin/app": aProgram(["liba.so.1"]),
    "/lib64": "-> usr/lib64",
    "/usr/lib64/ld-linux-x86-64.so.2": aLibrary("ld-linux-x86-64.so.2"),
    "/usr/lib64/liba.so.1": "-> liba.so.1.2",
    "/usr/lib64/liba.so.1.2": aLibrary("liba.so.1", ["libb.so"]),
    "/usr/lib64/libb.so": aLibrary("libb.so"),
    "/usr/lib64/libother.so": aLibrary("libother.so"),
    "/etc/ld.so.conf": "/usr/lib64\n",
  };

  it("brings its interpreter and the closure of its libraries, each with a chain of reasons", async () => {
    const selection = await selected(tree, ["exec /bin/app"]);
    expect(paths(selection)).toEqual(
      [
        "/",
        "/bin",
        "/etc",
        "/usr",
        "/usr/lib64",
        ...Object.keys(tree).filter((path) => !path.includes("other")),
      ].sort(),
    );
    expect(
      reasonChain(selection.kept, "/usr/lib64/libb.so").map(({ path, reason }) => `${reason.kind} ${path}`),
    ).toEqual([
      "needed /usr/lib64/libb.so",
      "target /usr/lib64/liba.so.1.2",
      "needed /usr/lib64/liba.so.1",
      "observed /bin/app",
    ]);
    expect(selection.kept.get("/etc/ld.so.conf")).toEqual({ kind: "rule", by: "loader" });
  });

  it("brings nothing when it was only looked at", async () => {
    expect(paths(await selected(tree, ["stat /bin/app", "list /usr/lib64"]))).toEqual([
      "/",
      "/bin",
      "/bin/app",
      "/usr",
      "/usr/lib64",
    ]);
  });

  it("brings nothing twice: a library that was seen settles the name", async () => {
    const own = { ...tree, "/opt/own/liba.so.1": aLibrary("liba.so.1") };
    const selection = await selected(own, [
      "exec /bin/app",
      "read /opt/own/liba.so.1",
      "read /usr/lib64/ld-linux-x86-64.so.2",
    ]);
    expect(paths(selection)).toContain("/opt/own/liba.so.1");
    expect(paths(selection)).not.toContain("/usr/lib64/liba.so.1");
  });

  it("brings the closure of a library whose link was already kept for another reason", async () => {
    const selection = await selected(tree, ["stat /usr/lib64/liba.so.1", "exec /bin/app"]);
    expect(selection.kept.get("/usr/lib64/liba.so.1")?.kind).toBe("observed");
    expect(paths(selection)).toContain("/usr/lib64/libb.so");
  });

  it("is the end of the search, with a warning, when RPATHs make too many ways to a library", async () => {
    const many: Record<string, string | Buffer> = { "/usr/lib/libx.so": aLibrary("libx.so", ["liby.so"]) };
    for (let index = 0; index < 40; index++) {
      many[`/dir${index}`] = "dir";
      many[`/bin/app${index}`] = aProgram(["libx.so"], { rpath: `/dir${index}` });
    }
    const selection = await selected(
      many,
      Object.keys(many)
        .filter((path) => path.startsWith("/bin"))
        .map((path) => `exec ${path}`),
    );
    expect(codes(selection).sort()).toEqual(["elf.needed-not-found", "elf.too-many-ways"]);
  });

  it("is not served by a seen library of another machine", async () => {
    const own = { ...tree, "/opt/own/liba.so.1": aLibrary("liba.so.1", [], { machine: 183 }) };
    expect(paths(await selected(own, ["exec /bin/app", "read /opt/own/liba.so.1"]))).toContain(
      "/usr/lib64/liba.so.1.2",
    );
  });

  it("warns of a library that the image does not have", async () => {
    const selection = await selected({ "/bin/app": aProgram(["libnone.so"]) }, ["exec /bin/app"]);
    expect(selection.warnings).toEqual([
      { code: "elf.needed-not-found", text: "libnone.so, needed by /bin/app, is not in the image." },
    ]);
  });

  it("brings what its dlopen notes require or recommend, the first alternative that there is", async () => {
    const notes = [
      '[{"soname":["libnone.so","libb.so","libother.so"],"priority":"recommended"}]',
      '[{"soname":["libgone.so"],"priority":"required"}]',
    ];
    const selection = await selected({ ...tree, "/bin/app": aProgram([], { dlopen: notes }) }, ["exec /bin/app"]);
    expect(paths(selection)).toContain("/usr/lib64/libb.so");
    expect(paths(selection)).not.toContain("/usr/lib64/libother.so");
    expect(selection.warnings.map((warning) => warning.text)).toEqual([
      "libgone.so, needed by /bin/app, is not in the image.",
    ]);
  });

  it("brings the libraries of ld.so.preload", async () => {
    const preload = { ...tree, "/etc/ld.so.preload": "# ours\n/usr/lib64/libother.so\n" };
    const selection = await selected(preload, ["exec /bin/app"]);
    expect(paths(selection)).toEqual(expect.arrayContaining(["/etc/ld.so.preload", "/usr/lib64/libother.so"]));
  });

  it("keeps the same library for other processors, whichever of them was used here", async () => {
    const variants = {
      "/usr/lib/libv.so.1": "-> libv.so.1.0",
      "/usr/lib/libv.so.1.0": aLibrary("libv.so.1"),
      "/usr/lib/glibc-hwcaps/x86-64-v3/libv.so.1": aLibrary("libv.so.1"),
      "/usr/lib/glibc-hwcaps/x86-64-v4/libv.so.1": aLibrary("libv.so.1"),
      "/usr/lib/glibc-hwcaps/x86-64-v4/libw.so.1": aLibrary("libw.so.1"),
    };
    const files = Object.keys(variants).filter((path) => !path.includes("libw"));
    for (const used of ["/usr/lib/libv.so.1.0", "/usr/lib/glibc-hwcaps/x86-64-v3/libv.so.1"])
      expect(paths(await selected(variants, [`read ${used}`])).filter((path) => path.includes(".so"))).toEqual(
        [...files].sort(),
      );
  });

  it("brings the name service modules that a read nsswitch.conf names", async () => {
    const nss = {
      "/etc/nsswitch.conf": "passwd: files [NOTFOUND=return] extra # x\nnetgroup: nis\n",
      "/usr/lib/libc.so.6": aLibrary("libc.so.6"),
      "/usr/lib/libnss_extra.so.2": aLibrary("libnss_extra.so.2"),
      "/usr/lib/libnss_nis.so.2": aLibrary("libnss_nis.so.2"),
    };
    const read = await selected(nss, ["read /usr/lib/libc.so.6", "read /etc/nsswitch.conf"]);
    expect(paths(read).filter((path) => path.includes("nss_"))).toEqual(["/usr/lib/libnss_extra.so.2"]);
    expect(read.warnings).toEqual([]);
    expect(paths(await selected(nss, ["read /usr/lib/libc.so.6"])).filter((path) => path.includes("nss_"))).toEqual([]);
  });
});

describe("a script that was executed", () => {
  const tree = {
    "/app/run": "#!/usr/bin/env -S FOO=1 tool -x\n",
    "/usr/bin/env": aProgram(),
    "/opt/bin/tool": "#!/bin/sh -e\n",
    "/bin/sh": "-> dash",
    "/bin/dash": aProgram(),
  };
  const config = { env: ["PATH=/usr/bin:/opt/bin"] };

  it("brings its interpreters, through env and its PATH", async () => {
    const selection = await selected(tree, ["exec /app/run"], { config });
    expect(paths(selection).filter((path) => path in tree)).toEqual(Object.keys(tree).sort());
    expect(selection.kept.get("/bin/sh")).toEqual({ kind: "script", by: "/opt/bin/tool" });
  });

  it("brings none when it was only read", async () => {
    expect(paths(await selected(tree, ["read /app/run"], { config }))).toEqual(["/", "/app", "/app/run"]);
  });
});

describe("the image's config", () => {
  it("keeps the programs that it starts, with what they need, even when the scenario started others", async () => {
    const tree = {
      "/usr/bin/entry": "#!/bin/sh\nexec $@\n",
      "/bin/sh": aProgram(),
      "/opt/server": aProgram(),
      "/usr/bin/curl": aProgram(),
      "/usr/bin/other": aProgram(),
    };
    const config = {
      entrypoint: ["entry"],
      cmd: ["./server", "other"],
      workdir: "/opt",
      healthcheck: ["/bin/sh", "-c", "curl -f http://x || exit 1"],
    };
    const selection = await selected(tree, [], { config });
    expect(paths(selection).filter((path) => path in tree)).toEqual([
      "/bin/sh",
      "/opt/server",
      "/usr/bin/curl",
      "/usr/bin/entry",
    ]);
    expect(selection.kept.get("/opt/server")).toEqual({ kind: "rule", by: "entry", detail: "./server" });
  });

  it("is warned about when its command is no program of the image", async () => {
    expect(codes(await selected({}, [], { config: { cmd: ["nothing"] } }))).toEqual(["entry.not-found"]);
  });

  it("keeps WORKDIR and HOME as directories, and VOLUME with what seeds it", async () => {
    const tree = {
      "/work/x": "text",
      "/data/seed": "text",
      "/home/me/x": "text",
      "/etc/passwd": "root:x:0:0::/root:/bin/sh\nme:x:7:7::/home/me:/bin/sh\n",
      "/root/x": "text",
    };
    const config = { user: "7:7", workdir: "/work/", volumes: ["/data"] };
    expect(paths(await selected(tree, [], { config }))).toEqual([
      "/",
      "/data",
      "/data/seed",
      "/etc",
      "/etc/passwd",
      "/home",
      "/home/me",
      "/work",
    ]);
    expect(paths(await selected(tree, []))).toContain("/root");
    expect(paths(await selected(tree, [], { config: { env: ["HOME=/data"] } }))).not.toContain("/root");
  });
});

describe("identity files", () => {
  it("stay, secrets and certificates do not", async () => {
    const tree = {
      "/etc/passwd": "x",
      "/etc/group": "x",
      "/etc/shadow": "x",
      "/etc/nsswitch.conf": "x",
      "/etc/os-release": "-> ../usr/lib/os-release",
      "/usr/lib/os-release": "x",
      "/etc/ssl/certs/ca-certificates.crt": "x",
      "/etc/ssl/private/key.pem": "x",
      "/tmp/x": "x",
      "/run/x": "x",
      "/var/run": "-> /run",
      "/proc": "dir",
      "/sys": "dir",
    };
    const gone = /shadow|ssl|\/x$/;
    const expected = [
      "/",
      "/etc",
      "/proc",
      "/run",
      "/sys",
      "/tmp",
      "/usr",
      "/usr/lib",
      "/var",
      ...Object.keys(tree).filter((path) => !gone.test(path)),
    ];
    expect(paths(await selected(tree, []))).toEqual([...new Set(expected)].sort());
  });
});

describe("the user's includes", () => {
  const tree = {
    "/bin": "-> usr/bin",
    "/usr/bin/tool": aProgram(["libz.so"]),
    "/usr/lib/libz.so": aLibrary("libz.so"),
    "/opt/a/b/c": "text",
    "/opt/x": "text",
  };

  it("keep a directory with all below, and the libraries of programs", async () => {
    const selection = await selected(tree, [], { keep: { includePaths: ["/opt/a/", "/usr/bin/t*"] } });
    expect(paths(selection)).toEqual([
      "/",
      "/opt",
      "/opt/a",
      "/opt/a/b",
      "/opt/a/b/c",
      "/usr",
      "/usr/bin",
      "/usr/bin/tool",
      "/usr/lib",
      "/usr/lib/libz.so",
    ]);
    expect(selection.kept.get("/opt/a/b/c")).toEqual({ kind: "pinned", by: "/opt/a/" });
  });

  it("reach through links to directories", async () => {
    expect(paths(await selected(tree, [], { keep: { includePaths: ["/bin/tool"] } }))).toEqual(
      expect.arrayContaining(["/bin", "/usr/bin/tool"]),
    );
    expect(paths(await selected(tree, [], { keep: { includePaths: ["/bin"] } }))).toEqual(
      expect.arrayContaining(["/bin", "/usr/bin/tool"]),
    );
  });

  it("that match nothing are warnings", async () => {
    const selection = await selected(tree, [], { keep: { includePaths: ["/nope/*"] } });
    expect(selection.warnings).toEqual([
      { code: "include.matches-nothing", text: 'No entry of the image matches the include path "/nope/*".' },
    ]);
  });
});

it("a repaired path comes with what it needs", async () => {
  const tree = { "/usr/bin/tool": aProgram(["libz.so"]), "/usr/lib/libz.so": aLibrary("libz.so") };
  const selection = await selected(tree, [], { repairs: [{ path: "/usr/bin/tool" }] });
  expect(selection.kept.get("/usr/bin/tool")?.kind).toBe("repaired");
  expect(selection.kept.get("/usr/lib/libz.so")?.kind).toBe("needed");
});

describe("the user's excludes", () => {
  it("win over everything, take what is below them along, and say how much that was", async () => {
    const tree = { "/app/doc/a.md": "12345", "/app/doc/b": "123", "/app/x": "1" };
    const selection = await selected(tree, ["read /app/doc/a.md", "read /app/x"], {
      keep: { includePaths: ["/app"], excludePatterns: ["/app/doc", "*.png"] },
    });
    expect(paths(selection)).toEqual(["/", "/app", "/app/x"]);
    expect(selection.excluded).toEqual([
      { pattern: "/app/doc", entries: 3, bytes: 8 },
      { pattern: "*.png", entries: 0, bytes: 0 },
    ]);
  });

  it("warn when something that stays needs what they take", async () => {
    const tree = {
      "/bin/app": aProgram(["libz.so"]),
      "/usr/lib/libz.so": aLibrary("libz.so"),
      "/link": "-> /usr/lib/libz.so",
    };
    const selection = await selected(tree, ["exec /bin/app", "readlink /link"], {
      keep: { excludePatterns: ["/usr/**"] },
    });
    expect(paths(selection)).not.toContain("/usr/lib/libz.so");
    expect(selection.warnings).toEqual([
      {
        code: "exclude.breaks",
        text: 'The exclude pattern "/usr/**" leaves /bin/app without /usr/lib/libz.so, /link without /usr/lib/libz.so.',
      },
    ]);
  });

  it("mean the entry behind the links on their way, not the link", async () => {
    const tree = { "/bin": "-> usr/bin", "/usr/bin/a": "text", "/usr/bin/b": "text" };
    const selection = await selected(tree, ["stat /bin", "stat /usr/bin/a", "stat /usr/bin/b"], {
      keep: { excludePatterns: ["/bin/a"] },
    });
    expect(paths(selection)).toEqual(["/", "/bin", "/usr", "/usr/bin", "/usr/bin/b"]);
  });

  it("leave the root, whatever they say", async () => {
    const selection = await selected({ "/a": "text" }, ["read /a"], { keep: { excludePatterns: ["**"] } });
    expect(paths(selection)).toEqual(["/"]);
  });

  it("that cannot be read are the request's fault", async () => {
    await expect(selected({}, [], { keep: { excludePatterns: ["/a["] } })).rejects.toMatchObject({
      code: "request.invalid",
    });
  });
});

describe("a directory of a Python package", () => {
  it("never stays without what makes it a regular package", async () => {
    const tree = {
      "/lib/pkg/__init__.py": "",
      "/lib/pkg/data.txt": "text",
      "/lib/pkg/mod.py": "text",
      "/lib/other/__init__.py": "",
    };
    const selection = await selected(tree, ["stat /lib/pkg/data.txt", "list /lib"]);
    expect(paths(selection)).toEqual(["/", "/lib", "/lib/pkg", "/lib/pkg/__init__.py", "/lib/pkg/data.txt"]);
    expect(selection.kept.get("/lib/pkg/__init__.py")?.kind).toBe("unit");
  });
});

it("RPATHs that lead in circles end, and reach the library that only the chain of loaders finds", async () => {
  const tree = {
    "/app/main": aProgram(["liba.so"], { rpath: "$ORIGIN/x:$ORIGIN/y" }),
    "/app/x/liba.so": aLibrary("liba.so", ["libb.so"], { rpath: "$ORIGIN/../z" }),
    "/app/y/libb.so": aLibrary("libb.so", ["liba.so", "libc1.so"], { rpath: "$ORIGIN/../x" }),
    "/app/z/libc1.so": aLibrary("libc1.so", ["libb.so"]),
  };
  expect(paths(await selected(tree, ["exec /app/main"]))).toEqual(expect.arrayContaining(Object.keys(tree)));
});

it("every path that was used leads to the same entry in the slim image, over the same links", async () => {
  const name = fc.constantFrom("a", "b", "c");
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join("/")}`);
  const target = fc.array(fc.constantFrom("a", "b", "c", "..", "."), { minLength: 1, maxLength: 4 });
  const link = fc.tuple(fc.constantFrom("", "/"), target).map(([start, parts]) => `-> ${start}${parts.join("/")}`);
  const what = fc.oneof(fc.constant("text"), fc.constant("dir"), link);
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(path, what, { maxKeys: 8 }),
      fc.array(path, { maxLength: 4 }),
      async (given, used) => {
        // Nothing can stand below a file or a link.
        const isFree = (each: string) =>
          !Object.keys(given).some((other) => each.startsWith(`${other}/`) && given[other] !== "dir");
        const tree = Object.fromEntries(Object.entries(given).filter(([each]) => isFree(each)));
        const fat = aRootfs(tree);
        const { kept } = await selected(
          tree,
          used.map((each) => `stat ${each}`),
        );
        const slim = new Map([...fat].filter(([each]) => kept.has(each)));
        for (const each of used) {
          const found = resolvePath(fat, each);
          if ("path" in found) expect(resolvePath(slim, each)).toEqual(found);
          else expect("missing" in resolvePath(slim, each)).toBe(true);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

it("a million files and a path of 4,096 bytes are no trouble to the rules of safe", async () => {
  const long = `/app${"/directory".repeat(409)}/x`;
  const tree: Record<string, string> = { "/app/server.js": "require('./late.js')", "/app/late.js": "", [long]: "x" };
  for (let index = 0; index < 1_000_000; index++) tree[`/data/d${index % 1000}/f${index}`] = "x";
  const given = { config: { workdir: "/app", cmd: ["node", "server.js"] }, keep: { profile: "safe" } } as const;
  const { kept } = await selected(tree, ["read /app/server.js"], given);
  expect(long).toHaveLength(4096);
  expect([kept.has("/app/late.js"), kept.has(long), kept.has("/data/d1/f1")]).toEqual([true, true, false]);
}, 300_000);

it("an image of 60,000 entries takes few waves, and no work that grows with its square", async () => {
  const tree: Record<string, string | Buffer> = {};
  for (let index = 0; index < 60_000; index++) tree[`/d${index % 300}/e${index % 7}/f${index}`] = "some text";
  for (let index = 0; index < 200; index++)
    tree[`/usr/lib/lib${index}.so`] = anElf({
      soname: `lib${index}.so`,
      needed: [`lib${(index * 7) % 200}.so`, `lib${index + 1}.so`],
    });
  const events = Object.keys(tree)
    .slice(0, 20_000)
    .map((path) => `read ${path}`);
  const selection = await selected(tree, [...events, "read /usr/lib/lib199.so"], {
    keep: { excludePatterns: ["*.md", "/d1/**"], includePaths: ["/d2/**"] },
  });
  expect(selection.kept.size).toBeGreaterThan(20_000);
  // Quadratic work would take many minutes, and run into the test's limit.
  expect(selection.waves).toBeLessThan(30);
}, 120_000);
