import { describe, expect, it } from "vitest";
import { Keep } from "#contract/job.ts";
import { aLibrary, aProgram, selected, type Tree } from "../../stages/select.builder.ts";

const base: Tree = {
  "/usr/bin/app": aProgram(["libc.so.6"]),
  "/lib64/ld-linux-x86-64.so.2": aLibrary("ld-linux-x86-64.so.2"),
  "/usr/lib/libc.so.6": aLibrary("libc.so.6"),
};

/** Paths that a rule adds to what is kept without it, and the codes of the warnings. */
async function addedBy(tree: Tree, keep: Partial<Parameters<typeof Keep.decode>[0]>, more: object = {}) {
  const whole = { ...base, ...tree };
  const config = { env: ["PATH=/usr/bin:/bin"], workdir: "/srv/app" };
  const before = await selected(whole, ["exec /usr/bin/app"], { config, ...more });
  const after = await selected(whole, ["exec /usr/bin/app"], {
    config,
    keep: Keep.parse({ profile: "exact", ...keep }),
    ...more,
  });
  const added = [...after.kept].filter(([path]) => !before.kept.has(path));
  const reasons = Object.fromEntries(
    added
      .filter(([path, reason]) => reason.kind !== "parent" && whole[path] !== undefined)
      .map(([path, { kind, by }]) => [path, `${kind} ${by}`]),
  );
  return { reasons, warnings: after.warnings };
}

describe("programs", () => {
  const tools: Tree = {
    "/usr/bin/jq": aProgram(["libjq.so.1", "libc.so.6"]),
    "/usr/lib/libjq.so.1": aLibrary("libjq.so.1", ["libonig.so.5"]),
    "/usr/lib/libonig.so.5": aLibrary("libonig.so.5"),
    "/usr/lib/other.so": aLibrary("other.so"),
    "/usr/bin/bundle": "#!/usr/bin/env ruby\n",
    "/usr/bin/env": aProgram(),
    "/usr/bin/ruby": aProgram(["libruby.so"]),
    "/usr/lib/libruby.so": aLibrary("libruby.so"),
    "/srv/app/notes.txt": "text",
  };

  it("a program by its path comes with its libraries", async () => {
    const { reasons, warnings } = await addedBy(tools, { includeBins: ["/usr/bin/jq"] });
    expect(reasons).toEqual({
      "/usr/bin/jq": "pinned --include-bin /usr/bin/jq",
      "/usr/lib/libjq.so.1": "needed /usr/bin/jq",
      "/usr/lib/libonig.so.5": "needed /usr/lib/libjq.so.1",
    });
    expect(warnings).toEqual([]);
  });

  it("a script by its name comes with the whole chain of its interpreters", async () => {
    const { reasons } = await addedBy(tools, { includeExes: ["bundle"] });
    expect(reasons).toEqual({
      "/usr/bin/bundle": "pinned --include-exe bundle",
      "/usr/bin/env": "script /usr/bin/bundle",
      "/usr/bin/ruby": "script /usr/bin/bundle",
      "/usr/lib/libruby.so": "needed /usr/bin/ruby",
    });
  });

  it("of a directory come the ELF files, by what they hold", async () => {
    const tree = {
      ...tools,
      "/opt/x/lib/plugin": aLibrary("plugin", ["libonig.so.5"]),
      "/opt/x/run.sh": "#!/bin/sh\n",
    };
    const { reasons } = await addedBy(tree, { includeBinDirs: ["/opt/x"] });
    expect(reasons).toEqual({
      "/opt/x/lib/plugin": "pinned --include-dir-bins /opt/x",
      "/usr/lib/libonig.so.5": "needed /opt/x/lib/plugin",
    });
  });

  it("the directory of the image is kept whole, but the root never is", async () => {
    expect((await addedBy(tools, { includeWorkdir: true })).reasons).toEqual({
      "/srv/app/notes.txt": "pinned --include-workdir",
    });
    const root = { config: { env: ["PATH=/usr/bin"], workdir: "/" } };
    const { reasons, warnings } = await addedBy(tools, { includeWorkdir: true }, root);
    expect({ reasons, text: warnings[0]?.text }).toEqual({
      reasons: {},
      text: "The rule --include-workdir stands for nothing in the image (WORKDIR is /).",
    });
  });

  it("a shell is sh with the usual commands that are there, links of busybox among them", async () => {
    const tree: Tree = {
      "/bin/busybox": aProgram(),
      "/bin/sh": "-> busybox",
      "/bin/ls": "-> /bin/busybox",
      "/bin/awk": "-> busybox",
      "/bin/tar": "-> busybox",
      "/bin/bash": aProgram(),
    };
    const { reasons } = await addedBy(tree, { includeShell: "minimal" });
    expect(Object.keys(reasons).sort()).toEqual(["/bin/awk", "/bin/busybox", "/bin/ls", "/bin/sh"]);
  });

  it("without sh a bash is the shell, or a busybox alone; without any the commands stay out", async () => {
    const names = async (tree: Tree) => Object.keys((await addedBy(tree, { includeShell: "minimal" })).reasons);
    expect(await names({ "/bin/bash": aProgram() })).toEqual(["/bin/bash"]);
    expect(await names({ "/bin/busybox": aProgram(), "/bin/ls": "-> busybox" })).toEqual(["/bin/busybox", "/bin/ls"]);
    const { reasons, warnings } = await addedBy({ "/bin/ls": aProgram() }, { includeShell: "minimal" });
    expect({ reasons, codes: warnings.map(({ code }) => code) }).toEqual({
      reasons: {},
      codes: ["include.matches-nothing"],
    });
  });

  it("the ssh client comes without anybody's keys", async () => {
    const tree: Tree = {
      "/usr/bin/ssh": aProgram(["libonig.so.5"]),
      "/usr/lib/libonig.so.5": aLibrary("libonig.so.5"),
      "/etc/ssh/ssh_config": "x",
      "/etc/ssh/ssh_config.d/a.conf": "x",
      "/etc/ssh/ssh_host_key": "secret",
      "/root/.ssh/id_ed25519": "secret",
    };
    expect(Object.keys((await addedBy(tree, { includeSshClient: true })).reasons).sort()).toEqual([
      "/etc/ssh/ssh_config",
      "/etc/ssh/ssh_config.d/a.conf",
      "/usr/bin/ssh",
      "/usr/lib/libonig.so.5",
    ]);
  });
});

describe("data", () => {
  const tree: Tree = {
    "/etc/ssl/certs/ca-certificates.crt": "all",
    "/etc/ssl/certs/4042bcee.0": "-> one.pem",
    "/etc/ssl/certs/one.pem": "-> /usr/share/ca-certificates/one.crt",
    "/usr/share/ca-certificates/one.crt": "one",
    "/usr/share/ca-certificates/two.crt": "two",
    "/etc/ssl/private/web.key": "secret",
    "/opt/venv/certifi/cacert.pem": "all",
    "/usr/share/zoneinfo/Asia/Tokyo": "TZif",
    "/etc/services": "http 80/tcp",
    "/usr/lib/libnss_files.so.2": aLibrary("libnss_files.so.2"),
    "/etc/os-release": "ID=x",
  };
  const bundles = ["/etc/ssl/certs/ca-certificates.crt", "/opt/venv/certifi/cacert.pem"];
  const single = ["/etc/ssl/certs/4042bcee.0", "/etc/ssl/certs/one.pem", "/usr/share/ca-certificates/one.crt"];

  it.each<[Parameters<typeof Keep.decode>[0], string[]]>([
    [{ includeCertificates: "bundles" }, bundles],
    [{ includeCertificates: "all" }, [...bundles, ...single]],
    [{ includeCertificates: "directories" }, [...bundles, ...single, "/usr/share/ca-certificates/two.crt"]],
    [{ includeCertificates: "none" }, []],
    [{ includeZoneinfo: true }, ["/usr/share/zoneinfo/Asia/Tokyo"]],
    [{ includeNetwork: true }, ["/etc/services", "/usr/lib/libnss_files.so.2"]],
    [{}, []],
  ])("%j keeps its class, and no keys", async (keep, expected) => {
    const { reasons, warnings } = await addedBy(tree, keep);
    expect(Object.keys(reasons).sort()).toEqual([...expected].sort());
    expect(warnings).toEqual([]);
  });

  it("a class that is off is not kept by the profile either", async () => {
    const keptBy = async (keep: Partial<Parameters<typeof Keep.decode>[0]>) => {
      const image = { ...base, ...tree, "/usr/lib/libssl.so.3": aLibrary("libssl.so.3") };
      const events = ["exec /usr/bin/app", "read /usr/lib/libssl.so.3"];
      const { kept } = await selected(image, events, {
        keep: Keep.parse({ profile: "safe", ...keep }),
        config: { env: ["TZ=Asia/Tokyo"] },
      });
      return [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/services",
        "/usr/share/zoneinfo/Asia/Tokyo",
        "/etc/os-release",
      ]
        .filter((path) => kept.has(path))
        .join(" ");
    };
    const [certificates, services, zone, release] = [
      "/etc/ssl/certs/ca-certificates.crt",
      "/etc/services",
      "/usr/share/zoneinfo/Asia/Tokyo",
      "/etc/os-release",
    ];
    expect(await keptBy({})).toBe(`${certificates} ${services} ${zone} ${release}`);
    expect(await keptBy({ includeCertificates: "none" })).toBe(`${services} ${zone} ${release}`);
    expect(await keptBy({ includeNetwork: false })).toBe(`${certificates} ${zone} ${release}`);
    expect(await keptBy({ includeZoneinfo: false })).toBe(`${certificates} ${services} ${release}`);
    expect(await keptBy({ includeDistroInfo: false })).toBe(`${certificates} ${services} ${zone}`);
  });
});

describe("lists", () => {
  it("what layers and earlier jobs name is kept as far as it is there", async () => {
    const tree = { "/srv/a": "a", "/srv/b": "b", "/srv/c": "c" };
    const layers = [{ rule: "--include-last-image-layers 1", paths: ["/srv/a", "/srv/gone"] }];
    const keep = { includeReported: [{ name: "files.jsonl", paths: ["/srv/b", "/nowhere"] }] };
    expect((await addedBy(tree, keep)).reasons).toEqual({
      "/srv/b": "pinned --include-paths-creport-file files.jsonl",
    });
    const whole = await selected({ ...base, ...tree }, [], { layers, keep: Keep.parse({ profile: "exact", ...keep }) });
    expect(whole.kept.get("/srv/a")).toEqual({ kind: "pinned", by: "--include-last-image-layers 1" });
    expect(whole.kept.has("/srv/c")).toBe(false);
  });

  it("packages are found by name in each manager's own way, and kept whole", async () => {
    const tree: Tree = {
      "/srv/app/node_modules/@acme/left/index.js": "x",
      "/srv/app/node_modules/left/index.js": "x",
      "/usr/lib/python3/site-packages/My_Dist-1.2.dist-info/RECORD":
        "mine/__init__.py,,\nmine/data.bin,,\nMy_Dist-1.2.dist-info/RECORD,,\n",
      "/usr/lib/python3/site-packages/mine/__init__.py": "x",
      "/usr/lib/python3/site-packages/mine/data.bin": "x",
      "/usr/lib/ruby/gems/3/gems/rack-3.0.1/lib/rack.rb": "x",
      "/lib/apk/db/installed": "P:tzdata\nV:1\nF:usr/share/zoneinfo\nR:UTC\n\nP:other\nV:1\nF:etc\nR:other\n\n",
      "/usr/share/zoneinfo/UTC": "TZif",
      "/etc/other": "x",
    };
    const names = async (...includePackages: string[]) =>
      Object.keys((await addedBy(tree, { includePackages })).reasons)
        .filter((path) => tree[path] !== undefined)
        .sort();
    expect(await names("npm:@acme/left")).toEqual(["/srv/app/node_modules/@acme/left/index.js"]);
    expect(await names("my-dist")).toEqual([
      "/usr/lib/python3/site-packages/My_Dist-1.2.dist-info/RECORD",
      "/usr/lib/python3/site-packages/mine/__init__.py",
      "/usr/lib/python3/site-packages/mine/data.bin",
    ]);
    expect(await names("gem:rack")).toEqual(["/usr/lib/ruby/gems/3/gems/rack-3.0.1/lib/rack.rb"]);
    expect(await names("tzdata")).toEqual(["/usr/share/zoneinfo/UTC"]);
    expect((await addedBy(tree, { includePackages: ["dpkg:tzdata"] })).warnings.map(({ text }) => text)).toEqual([
      "The rule --include-package dpkg:tzdata stands for nothing in the image.",
    ]);
  });
});

it("a rule that stands for nothing is told with the line that it was read from", async () => {
  const keep = {
    includeExes: ["nothing"],
    includePaths: ["/nope"],
    excludePatterns: ["/never/**"],
    readFrom: { "--include-exe nothing": "exes.txt:3", "--include-path /nope": "paths.txt:7" },
  };
  const { warnings } = await addedBy({}, keep);
  expect(warnings).toEqual([
    { code: "include.matches-nothing", text: 'No entry of the image matches the include path "/nope" (paths.txt:7).' },
    {
      code: "include.matches-nothing",
      text: "The rule --include-exe nothing (exes.txt:3) stands for nothing in the image.",
    },
    { code: "exclude.matches-nothing", text: 'No entry of the image matches the exclude pattern "/never/**".' },
  ]);
});

it("an exclude wins over every rule, and says how much it took", async () => {
  const tree = { ...base, "/srv/app/a.txt": "12345", "/srv/app/b.md": "123" };
  const keep = Keep.parse({ includeWorkdir: true, excludePatterns: ["*.md"] });
  const { kept, excluded } = await selected(tree, [], { keep, config: { workdir: "/srv/app" } });
  expect([kept.has("/srv/app/a.txt"), kept.has("/srv/app/b.md")]).toEqual([true, false]);
  expect(excluded).toEqual([{ pattern: "*.md", entries: 1, bytes: 3 }]);
});

it("what was used below a mount or among locks is not the image's, unless the user says so", async () => {
  const tree = { ...base, "/data/db": "x", "/run/lock/app": "x", "/var/lock": "-> /run/lock", "/database": "x" };
  const events = ["read /data/db", "read /run/lock/app", "read /database"];
  const paths = async (keep: Partial<Keep>) => {
    const { kept } = await selected(tree, events, {
      keep: Keep.parse({ profile: "exact", ...keep }),
      mounts: ["volume:/data:ro"],
    });
    return ["/data/db", "/run/lock/app", "/database"].filter((path) => kept.has(path));
  };
  expect(await paths({})).toEqual(["/database"]);
  expect(await paths({ excludeMounts: false })).toEqual(["/data/db", "/database"]);
  expect(await paths({ excludeLockFiles: false })).toEqual(["/run/lock/app", "/database"]);
  expect(await paths({ includePaths: ["/data/db"] })).toEqual(["/data/db", "/database"]);
});

it("a directory for locks is the image's, the locks in it are not", async () => {
  const tree = { ...base, "/run/lock/apache2": "dir", "/run/lock/apache2/held": "x" };
  const { kept } = await selected(tree, ["stat /run/lock/apache2", "read /run/lock/apache2/held"], {
    keep: Keep.parse({ profile: "exact" }),
  });
  expect(["/run/lock/apache2", "/run/lock/apache2/held"].filter((path) => kept.has(path))).toEqual([
    "/run/lock/apache2",
  ]);
});

it.each([
  [{ includePaths: ["/a/"], excludePatterns: ["/a"] }, "excludePatterns.0"],
  [{ includeBins: ["/a"], excludePatterns: ["/b", "/a"] }, "excludePatterns.1"],
  [
    {
      pathPerms: [
        { path: "/a", mode: 0o755 },
        { path: "/a", mode: 0o700 },
      ],
    },
    "pathPerms.1.path",
  ],
])("rules that contradict are refused: %j", (keep, path) => {
  expect(Keep.safeParse(keep).error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
});

it("the same rule twice does not contradict itself", () => {
  const twice = { path: "/a", mode: 0o755, uid: 1 };
  expect(Keep.safeParse({ pathPerms: [twice, twice], includePaths: ["/a", "/a"] }).success).toBe(true);
});
