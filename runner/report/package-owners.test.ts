import { expect, test } from "vitest";
import { aPackContext } from "../rules/packs/pack.builder.ts";
import { readOwners } from "../stages/read-owners.ts";
import { aRootfs, type Tree } from "../stages/select.builder.ts";
import { languagePackage, ownerName, packageOwners } from "./package-owners.ts";
import { removedByOwner, sharesOf } from "./shares.ts";

const status = ["nginx", "perl-base"].map((name) => `Package: ${name}\nStatus: install ok installed\n`).join("\n");
const site = "/usr/local/lib/python3.11/site-packages";
const tree: Tree = {
  "/bin": "-> usr/bin",
  "/usr/bin/nginx": "nginx",
  "/usr/bin/perl": "perl5",
  "/usr/share/nginx/index.html": "<p>",
  "/usr/share/nginx/__pycache__/a.cpython-311.pyc": "pyc",
  "/usr/share/nginx/a.py": "py",
  "/var/lib/dpkg/status": status,
  "/var/lib/dpkg/info/nginx.list":
    "/.\n/usr\n/bin/nginx\n/usr/share\n/usr/share/nginx\n/usr/share/nginx/index.html\n/usr/share/nginx/a.py\n",
  "/var/lib/dpkg/info/perl-base.list": "/.\n/usr\n/usr/bin\n/usr/bin/perl\n/usr/share\n/usr/bin/gone\n",
  [`${site}/flask/app.py`]: "app",
  [`${site}/flask/sub/a,b.py`]: "ab",
  [`${site}/Flask-2.3.dist-info/RECORD`]: `flask/app.py,sha256=x,3\n"flask/sub/a,b.py",,\n../../../bin/flask,,\nFlask-2.3.dist-info/RECORD,,\n`,
  "/usr/local/bin/flask": "#!/x",
  "/app/node_modules/express/lib/a.js": "a",
  "/app/node_modules/express/node_modules/@x/y/b.js": "b",
  "/app/node_modules/.bin/tool": "-> ../express/lib/a.js",
  "/gems/gems/rack-2.2.4/lib/rack.rb": "rack",
  "/gems/specifications/rack-2.2.4.gemspec": "spec",
  "/app/main.js": "main",
};
const owners = packageOwners(aPackContext(tree));
const nameOf = (path: string) => {
  const owner = owners.packages[owners.of(path)];
  return owner && ownerName(owner);
};

test("files belong to the package that lists them, also by a name through merged directories", () => {
  expect(nameOf("/usr/bin/nginx")).toBe("dpkg:nginx");
  expect(nameOf("/usr/bin/perl")).toBe("dpkg:perl-base");
  expect(nameOf("/app/main.js")).toBeUndefined();
  expect(nameOf("/nowhere")).toBeUndefined();
});

test("a directory of several packages belongs to none, one of a single package to it", () => {
  expect(["/usr", "/usr/share"].map(nameOf)).toEqual([undefined, undefined]);
  expect(nameOf("/usr/share/nginx")).toBe("dpkg:nginx");
});

test("compiled Python belongs to the package of its source", () => {
  expect(nameOf("/usr/share/nginx/__pycache__/a.cpython-311.pyc")).toBe("dpkg:nginx");
});

test("packages of languages own what their records or directories hold", () => {
  for (const path of [`${site}/flask/app.py`, `${site}/flask/sub/a,b.py`, `${site}/flask/sub`, "/usr/local/bin/flask"])
    expect(nameOf(path)).toBe("pip:Flask-2.3");
  expect(nameOf("/app/node_modules/express/lib/a.js")).toBe("npm:express");
  expect(nameOf("/app/node_modules/express/node_modules/@x/y/b.js")).toBe("npm:@x/y");
  expect(nameOf("/app/node_modules/.bin/tool")).toBeUndefined();
  expect(["/gems/gems/rack-2.2.4/lib/rack.rb", "/gems/specifications/rack-2.2.4.gemspec"].map(nameOf)).toEqual([
    "gem:rack-2.2.4",
    "gem:rack-2.2.4",
  ]);
  const commit = "/usr/local/bundle/ruby/3.1.0/bundler/gems/rails-c0ffee123456";
  expect(languagePackage(`${commit}/lib/rails.rb`)).toEqual({ system: "gem", name: "rails-c0ffee123456", at: commit });
  expect(languagePackage("/usr/lib/ruby/gems/3.1.0/extensions/x86_64-linux/3.1.0/bcrypt-3.1/b.so")?.at).toBe(
    "/usr/lib/ruby/gems/3.1.0/gems/bcrypt-3.1",
  );
});

test("what is read of an image are its package databases, and what cannot be read owns nothing", async () => {
  const asked: string[] = [];
  const read = async (path: string) => {
    asked.push(path);
    return path.endsWith("perl-base.list") ? undefined : Buffer.from(tree[path] ?? "");
  };
  const found = await readOwners(aRootfs(tree), { read });
  expect(asked.every((path) => /dpkg|RECORD/.test(path))).toBe(true);
  expect(new Set(asked).size).toBe(asked.length);
  expect(found.of("/usr/bin/nginx")).toBe(owners.of("/usr/bin/nginx"));
  expect(found.of("/usr/bin/perl")).toBe(-1);
});

test("sums say what each package kept and lost, and a file with a kept link is not lost", () => {
  const rootfs = new Map(aRootfs(tree));
  for (const path of ["/usr/bin/perl", "/app/main.js"]) {
    const entry = rootfs.get(path);
    if (entry) rootfs.set(path, { ...entry, links: 2, inode: "1:same" });
  }
  const kept = new Map([["/app/main.js", { kind: "observed", by: "default" } as const]]);
  const shares = sharesOf(rootfs, kept, owners);
  expect(shares.packages[owners.of("/usr/bin/nginx")]).toEqual({
    kept: { entries: 0, files: 0, bytes: 0 },
    removed: { entries: 5, files: 4, bytes: 5 + 3 + 3 + 2 },
  });
  expect(shares.packages[owners.of("/usr/bin/perl")]?.removed).toEqual({ entries: 2, files: 1, bytes: 0 });
  expect(shares.unowned.kept).toEqual({ entries: 1, files: 1, bytes: 4 });
  const removed = removedByOwner(owners, shares);
  expect(removed[0]?.owner).toBeNull();
  expect(removed.map(({ bytes }) => bytes)).toEqual(removed.map(({ bytes }) => bytes).sort((a, b) => b - a));
  expect(removed.find(({ owner }) => owner === "dpkg:nginx")).toMatchObject({ files: 4, bytes: 13 });
});
