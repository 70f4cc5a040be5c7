import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { application, applicationDirectories, applicationTest, applicationTrees } from "./application.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const elf = Buffer.from("\x7fELF");
const system: Tree = {
  "/usr/bin/node": elf,
  "/usr/bin/python3": elf,
  "/usr/bin/java": elf,
  "/usr/bin/nginx": elf,
  "/usr/local/bin/gosu": elf,
  "/sbin/tini": elf,
  "/bin/sh": elf,
  "/usr/share/doc/x": "x",
  "/etc/ssl/openssl.cnf": "",
};

const directories = (tree: Tree, given: Parameters<typeof aPackContext>[1]) =>
  applicationDirectories(aPackContext({ ...system, ...tree }, given)).map(({ path, reason }) => `${path}: ${reason}`);

describe("applicationDirectories", () => {
  it.each<[string, Tree, string[], string[]]>([
    [
      "the directory of a script",
      { "/srv/x/server.py": "" },
      ["python3", "-u", "/srv/x/server.py"],
      ["/srv/x: entry script"],
    ],
    [
      "the tree of a script deep inside",
      { "/opt/x/package.json": "{}", "/opt/x/dist/a/m.js": "" },
      ["node", "/opt/x/dist/a/m.js"],
      ["/opt/x: entry script"],
    ],
    [
      "the directory of a Python archive",
      { "/opt/x/tool.pyz": "PK" },
      ["python3", "/opt/x/tool.pyz"],
      ["/opt/x: entry script"],
    ],
    [
      "the directory of an archive",
      { "/opt/x/lib/x.jar": "" },
      ["java", "-Xmx1g", "-jar", "/opt/x/lib/x.jar"],
      ["/opt/x/lib: entry script"],
    ],
    [
      "what stands on a class path",
      { "/opt/x/c/A.class": "", "/opt/y/y.jar": "" },
      ["java", "-cp", "/opt/x/c:/opt/y/*", "A"],
      ["/opt/x/c: entry script", "/opt/y: entry script"],
    ],
    [
      "a directory given to a runtime",
      { "/usr/src/app/index.js": "" },
      ["node", "/usr/src/app"],
      ["/usr/src/app: entry script"],
    ],
    [
      "the tree above a binary's bin",
      { "/opt/x/bin/x": elf, "/opt/x/share/a": "" },
      ["/opt/x/bin/x"],
      ["/opt/x: entry program"],
    ],
    ["a binary in /usr/local/bin, alone", { "/usr/local/bin/x": elf }, ["x"], ["/usr/local/bin/x: entry program"]],
    ["a binary in the root, alone", { "/x": elf }, ["/x"], ["/x: entry program"]],
    ["a script in the root, alone", { "/x.py": "" }, ["python3", "/x.py"], ["/x.py: entry script"]],
    ["nothing for a distribution's server", {}, ["nginx", "-g", "daemon off;"], []],
    [
      "nothing for a script of a distribution",
      { "/usr/lib/python3/dist-packages/x.py": "" },
      ["python3", "/usr/lib/python3/dist-packages/x.py"],
      [],
    ],
    [
      "what a link in PATH leads to",
      { "/usr/local/bin/x": "-> /opt/x/x.py", "/opt/x/x.py": "#!/usr/bin/python3" },
      ["x"],
      ["/opt/x: entry program"],
    ],
    [
      "what stands behind a shell",
      { "/srv/x/run": elf },
      ["/bin/sh", "-c", "cd /srv/x && exec ./run"],
      ["/srv/x: entry program"],
    ],
    [
      "what stands behind tini and gosu",
      { "/app/a.js": "" },
      ["tini", "--", "gosu", "node", "node", "/app/a.js"],
      ["/app: entry script"],
    ],
    [
      "what an entry script starts",
      { "/usr/local/bin/e.sh": "#!/bin/sh\nset -e\ngosu x /opt/y/bin/y\n", "/opt/y/bin/y": elf },
      ["e.sh"],
      ["/usr/local/bin/e.sh: entry script", "/opt/y: entry program"],
    ],
    [
      "a directory that is named",
      { "/srv/data/a": "", "/usr/local/bin/x": elf },
      ["x", "--root=/srv/data"],
      ["/usr/local/bin/x: entry program", "/srv/data: named in a command"],
    ],
    [
      "no system directory that is named",
      { "/usr/local/bin/x": elf, "/etc/ssl/a": "" },
      ["x", "--root=/usr/share", "--tls=/etc/ssl", "/"],
      ["/usr/local/bin/x: entry program"],
    ],
  ])("finds %s", (_, tree, command, expected) => {
    expect(directories(tree, { commands: [command] })).toEqual(expected);
  });

  it.each<[string, string[]]>([
    ["/app", ["/app: workdir"]],
    ["/home/u/app", ["/home/u/app: workdir"]],
    ["/usr/src/app", ["/usr/src/app: workdir"]],
    ["/var/www/html", ["/var/www/html: workdir"]],
    ["/", []],
    ["/usr/bin", []],
    ["/etc", []],
    ["/opt", []],
    ["/tmp", []],
    ["/none", []],
  ])("takes WORKDIR %s unless it is the system's", (workdir, expected) => {
    const tree = {
      "/app/a": "",
      "/home/u/app/a": "",
      "/usr/src/app/a": "",
      "/var/www/html/a": "",
      "/opt/a": "",
      "/tmp/a": "",
    };
    expect(directories(tree, { workdir })).toEqual(expected);
  });

  it("follows npm start, with what npm runs before it", () => {
    const tree = {
      "/bin/npm": elf,
      "/app/package.json": JSON.stringify({
        scripts: { prestart: "sh /opt/tools/up.sh", start: "NODE_ENV=x node /srv/y/z.js" },
      }),
      "/opt/tools/up.sh": "",
      "/srv/y/z.js": "",
    };
    expect(directories(tree, { commands: [["npm", "start"]], workdir: "/app" })).toEqual([
      "/app: workdir",
      "/opt/tools: entry script",
      "/srv/y: entry script",
    ]);
    expect(
      directories({ ...tree, "/app/package.json": "null" }, { commands: [["npm", "start"]], workdir: "/app" }),
    ).toEqual(["/app: workdir"]);
  });

  it("follows supervisord to its programs, through included files", () => {
    const tree = {
      "/usr/bin/supervisord": "#!/usr/bin/python3",
      "/etc/supervisor/supervisord.conf": "[supervisord]\n[include]\nfiles = conf.d/*.conf",
      "/etc/supervisor/conf.d/web.conf": "[program:web]\ncommand=python3 -m shop.web --port 80\ndirectory=/srv/shop",
      "/srv/shop/shop/web.py": "",
    };
    expect(directories(tree, { commands: [["/usr/bin/supervisord", "-n"]] })).toContain("/srv/shop/shop: entry module");
  });

  it("takes directories from the environment, but no tools, caches or runtimes", () => {
    const tree = {
      "/srv/site/a": "",
      "/opt/jdk/bin/java": elf,
      "/opt/jdk/lib/x": "",
      "/srv/lib/a.py": "",
      "/data/cache/a": "",
    };
    const env = [
      "SITE_DIR=/srv/site",
      "JRE=/opt/jdk",
      "JAVA_HOME=/opt/jdk",
      "PATH=/opt/jdk/bin:/bin",
      "PYTHONPATH=/srv/lib",
      "X_CACHE_DIR=/data/cache",
    ];
    expect(directories(tree, { env })).toEqual([
      "/srv/site: named in the environment",
      "/srv/lib: named in the environment",
    ]);
  });

  it("takes directories that the application's or a server's configuration names", () => {
    const tree = {
      "/app/config/x.yml": "assets: /usr/share/shop\nlogs: /var/log/x\nbase: /usr\n# old: /opt/old\n",
      "/usr/share/shop/a.css": "",
      "/var/log/x/a": "",
      "/opt/old/a": "",
      "/etc/tomcat9/server.xml": '<Context docBase="/usr/share/repo"/>',
      "/usr/share/repo/index.jsp": "",
    };
    expect(directories(tree, { workdir: "/app", seen: ["/etc/tomcat9/server.xml"] })).toEqual([
      "/app: workdir",
      "/usr/share/repo: named in /etc/tomcat9/server.xml",
      "/usr/share/shop: named in /app/config/x.yml",
    ]);
  });

  it("leaves a named directory alone that is too large to be meant whole", () => {
    const given = { commands: [["x", "--data", "/srv/big"]], entries: { "/srv/big/a": { size: 61 << 20 } } };
    expect(directories({ "/srv/big/a": "" }, given)).toEqual([]);
  });

  it("tells the application's own files", () => {
    const tree = {
      "/app/a.py": "",
      "/app/node_modules/x/i.js": "",
      "/app/v/site-packages/y.py": "",
      "/application/b": "",
    };
    const isOurs = applicationTest(aPackContext(tree, { workdir: "/app" }));
    expect(
      ["/app/a.py", "/app/node_modules/x/i.js", "/app/v/site-packages/y.py", "/application/b"].map(isOurs),
    ).toEqual([true, false, false, false]);
  });
});

describe("the application pack", () => {
  it("keeps the tree, empty directories too, without packages, history and caches", () => {
    const tree = {
      ...system,
      "/app/server.js": "",
      "/app/views/lazy.ejs": "",
      "/app/uploads": "dir",
      "/app/.env": "",
      "/app/tls/server.key": "",
      "/app/node_modules/x/index.js": "",
      "/app/.git/HEAD": "",
      "/app/.cache/x": "",
      "/app/venv/pyvenv.cfg": "",
      "/app/venv/lib/python3.11/site-packages/x.py": "",
      "/app/vendor/bundle/gems/x.rb": "",
      "/app/vendor/theme/a.css": "",
      "/app/__pycache__/x.pyc": "",
    } satisfies Tree;
    expect(keptBy(application, aPackContext(tree, { workdir: "/app", commands: [["node", "server.js"]] }))).toEqual([
      "/app",
      "/app/.env",
      "/app/__pycache__/x.pyc",
      "/app/server.js",
      "/app/tls/server.key",
      "/app/uploads",
      "/app/vendor/theme/a.css",
      "/app/views/lazy.ejs",
    ]);
  });

  it("keeps the builds of Next, Nuxt and their like, without the caches of their compilers", () => {
    const tree = {
      "/app/.next/BUILD_ID": "x",
      "/app/.next/server/chunks/1.js": "",
      "/app/.next/static/a.css": "",
      "/app/.next/cache/fetch-cache/1": "",
      "/app/.next/cache/webpack/server.pack": "",
      "/app/.next/cache/swc/plugins/x": "",
      "/app/.nuxt/dist/server/x.js": "",
      "/app/.output/server/chunks/lazy.mjs": "",
      "/app/.output/public/_nuxt/a.js": "",
      "/app/.svelte-kit/output/server/index.js": "",
      "/app/build/client/a.js": "",
      "/app/dist/server/entry.mjs": "",
      "/app/next.config.js": "",
    };
    const kept = keptBy(application, aPackContext({ ...system, ...tree }, { workdir: "/app" }));
    expect(kept.filter((path) => path in tree)).toEqual(
      Object.keys(tree)
        .filter((path) => !/cache\/(?:webpack|swc)/.test(path))
        .sort(),
    );
  });

  it("keeps manifests and lock files, by which scanners know what is inside", () => {
    const names =
      "requirements.txt pyproject.toml Pipfile Pipfile.lock Gemfile Gemfile.lock package.json package-lock.json yarn.lock pnpm-lock.yaml composer.json composer.lock go.sum Cargo.lock pom.xml";
    const tree = Object.fromEntries(names.split(" ").map((name) => [`/app/${name}`, "x"]));
    expect(keptBy(application, aPackContext(tree, { workdir: "/app" }))).toEqual(["/app", ...Object.keys(tree)].sort());
  });

  it("follows links to files and to directories, but not into the system's", () => {
    const tree = {
      "/srv/w/index.php": "",
      "/srv/w/jquery": "-> /usr/share/javascript/jquery",
      "/usr/share/javascript/jquery/jquery.js": "",
      "/usr/share/javascript/other/other.js": "",
      "/srv/w/plugins": "-> ../plugins",
      "/srv/plugins/p.php": "",
      "/srv/plugins/back": "-> /srv/w",
      "/srv/w/lib": "-> /usr/lib",
      "/usr/lib/x.so": "",
      "/srv/w/one": "-> /etc/one.conf",
      "/etc/one.conf": "",
    };
    const kept = keptBy(application, aPackContext(tree, { workdir: "/srv/w" }));
    expect(kept).toEqual(
      expect.arrayContaining(["/etc/one.conf", "/srv/plugins/p.php", "/usr/share/javascript/jquery/jquery.js"]),
    );
    expect(kept).not.toContain("/usr/lib/x.so");
    expect(kept).not.toContain("/usr/share/javascript/other/other.js");
  });

  it("keeps the small files of a tree that is too large, and says so", () => {
    const entries = { "/app/model.bin": { size: 300 << 20 } };
    const context = aPackContext(
      { "/app/a.py": "", "/app/model.bin": "x", "/app/z/b.py": "" },
      { workdir: "/app", entries },
    );
    expect(keptBy(application, context)).toEqual(["/app", "/app/a.py", "/app/z/b.py"]);
    expect(applicationTrees(context).map(({ path, tree }) => [path, tree.isCut])).toEqual([["/app", true]]);
  });
});
