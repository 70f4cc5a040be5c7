import { describe, expect, it } from "vitest";
import { walk } from "../walk.ts";
import { aPackContext } from "./pack.builder.ts";
import type { PackContext } from "./pack.ts";
import { pathsIn, runtimeDirectories, serviceNames } from "./runtime-dirs.ts";

/** Directories and links count here, so all that is kept is looked at, but for what every image keeps (`besides`). */
function kept(context: PackContext, used: string[] = [], besides = ["scratch", "prepared directory"]): string[] {
  const start = used.map((path) => ({ path, reason: { kind: "observed", by: "default" }, use: "load" }) as const);
  const walked = walk([...start, ...(runtimeDirectories.seeds?.(context) ?? [])], {
    rootfs: context.rootfs,
    patterns: [],
    excludedBy: () => undefined,
    edges: (place, wanted) => runtimeDirectories.edges?.(place, wanted, context) ?? [],
  });
  return [...walked.kept]
    .filter(([, reason]) => !/^(?:parent|observed|target)$/.test(reason.kind) && !besides.includes(reason.detail ?? ""))
    .map(([path]) => path)
    .sort();
}

describe("run-time directories", () => {
  it("keeps those of a service's name, with the links in them and without data", () => {
    const context = aPackContext(
      {
        "/var/run": "-> /run",
        "/run/nginx": "dir",
        "/var/lib/nginx/body": "dir",
        "/var/lib/nginx/data.bin": "x",
        "/var/log/nginx/access.log": "-> /dev/stdout",
        "/var/log/nginx/old.log": "x",
        "/var/log/other": "dir",
      },
      { processes: [{ exe: "/usr/sbin/nginx", argv: [] }] },
    );
    expect(kept(context)).toEqual([
      "/run/nginx",
      "/var/lib/nginx",
      "/var/lib/nginx/body",
      "/var/log/nginx",
      "/var/log/nginx/access.log",
      "/var/run",
    ]);
  });

  it("keeps empty directories where data goes, as long as they are few", () => {
    const tree = {
      "/var/backups-of-app": "dir",
      "/data/in": "dir",
      "/data/full/file": "x",
      "/opt/app/node_modules/empty": "dir",
      "/var/lib/dpkg/parts": "dir",
      "/usr/share/empty": "dir",
    };
    expect(kept(aPackContext(tree), [], ["scratch"])).toEqual(["/data/in", "/var/backups-of-app"]);
    const many = Object.fromEntries(Array.from({ length: 301 }, (_, i) => [`/data/${i}`, "dir"]));
    expect(kept(aPackContext(many), [], ["scratch"])).toEqual([]);
  });

  it("keeps the parents of what a kept configuration names", () => {
    const context = aPackContext({
      "/etc/app.conf":
        "pid /run/app/app.pid;\nlog '/var/log/custom/a.log';\nspool /var/spool/app/\nnone /var/missing/dir/x\nlib /usr/var/lib/x",
      "/run/app": "dir",
      "/var/log/custom/old.log": "x",
      "/var/spool/app/job": "x",
    });
    expect(kept(context)).toEqual([]);
    expect(kept(context, ["/etc/app.conf"])).toEqual(["/run/app", "/var/log/custom", "/var/spool/app"]);
  });

  it("keeps what somebody else than root can write to, outside of libraries and the system's books", () => {
    const tree = {
      "/srv/uploads": "dir",
      "/var/lib/php/sessions": "dir",
      "/run/postgresql": "dir",
      "/opt/rooted": "dir",
      "/data/seed/old.bin": "x",
      "/home/app/lib/code.py": "x",
      "/app/node_modules/x/empty": "dir",
      "/var/lib/apt/lists/partial": "dir",
    };
    const entries = {
      "/srv/uploads": { uid: 1000 },
      "/var/lib/php/sessions": { mode: 0o1733 },
      "/run/postgresql": { gid: 104, mode: 0o2775 },
      "/data": { uid: 1000 },
      "/data/seed": { uid: 1000 },
      "/home/app": { uid: 1000 },
      "/home/app/lib": { uid: 1000 },
      "/app/node_modules/x/empty": { uid: 1000 },
      "/var/lib/apt/lists/partial": { uid: 42 },
    };
    const all = kept(aPackContext(tree, { entries }));
    expect(all).toEqual([
      "/data",
      "/data/seed",
      "/home/app",
      "/run/postgresql",
      "/srv/uploads",
      "/var/lib/php/sessions",
    ]);
  });

  it("keeps empty files that were made for a service's user to write", () => {
    const tree = {
      "/var/log/app.log": "",
      "/run/app.pid": "",
      "/var/log/root.log": "",
      "/opt/app/pkg/__init__.py": "",
    };
    const uid = { uid: 1000 };
    const entries = { "/var/log/app.log": uid, "/run/app.pid": uid, "/opt/app/pkg/__init__.py": uid };
    expect(kept(aPackContext(tree, { entries }))).toEqual(["/run/app.pid", "/var/log/app.log"]);
  });

  it("keeps the directories that the command line and ENV name, and those that every program takes for granted", () => {
    const tree = {
      "/var/log/old.log": "x",
      "/var/lock": "-> /run/lock",
      "/run/lock": "dir",
      "/run/own": "dir",
      "/srv/db/x": "1",
    };
    const context = aPackContext(tree, {
      commands: [["daemon", "--pid-file=/run/own/daemon.pid"]],
      env: ["DATABASE=sqlite:/srv/db/app.sqlite"],
    });
    expect(kept(context)).toEqual(["/run/own", "/srv/db"]);
    expect(kept(context, [], ["prepared directory"])).toEqual([
      "/run/lock",
      "/run/own",
      "/srv/db",
      "/var/lock",
      "/var/log",
    ]);
  });

  it("keeps the directories that the service's package made", () => {
    const context = aPackContext(
      {
        "/var/lib/dpkg/status": "Package: mon\nStatus: install ok installed\n",
        "/var/lib/dpkg/info/mon.list": "/var\n/var/lib\n/var/lib/monitoring\n/var/lib/monitoring/rrd\n/usr/bin/mond",
        "/var/lib/monitoring/rrd": "dir",
        "/usr/bin/mond": Buffer.from("x"),
      },
      { processes: [{ exe: "/usr/bin/mond", argv: [] }] },
    );
    expect(kept(context)).toEqual(["/var/lib/monitoring", "/var/lib/monitoring/rrd"]);
  });
});

it.each([
  ["/usr/sbin/php-fpm8.2", ["php-fpm8.2", "php-fpm"]],
  ["/usr/bin/redis-server", ["redis-server", "redis"]],
  ["/usr/sbin/mysqld", ["mysqld", "mysql"]],
  ["/usr/sbin/apache2", ["apache2", "apache"]],
])("the directories of %s go under its names", (exe, names) => {
  expect(serviceNames(exe)).toEqual(names);
});

it("reads paths with dots and doubled slashes, and each once", () => {
  expect(pathsIn("/var/log/a.log, /var//log/a.log. x/var/lib/no /data/x/../../etc/y")).toEqual([
    "/var/log/a.log",
    "/etc/y",
  ]);
});
