import { describe, expect, it } from "vitest";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { python } from "./python.ts";

const lib = "/usr/lib/python3.11";
const site = "/venv/lib/python3.11/site-packages";
const base = {
  [`${lib}/os.py`]: "import abc",
  [`${lib}/abc.py`]: "",
  [`${lib}/encodings/__init__.py`]: "",
  [`${lib}/tkinter/__init__.py`]: "",
  "/venv/pyvenv.cfg": "home = /usr/bin",
  [`${site}/used/__init__.py`]: "",
};
const seen = [`${lib}/os.py`, "/venv/pyvenv.cfg", `${site}/used/__init__.py`];

/** What the pack keeps of an image with these files besides, application in /app, without the fixed parts. */
function kept(files: Record<string, string>, more: Parameters<typeof aPackContext>[1] = {}): string[] {
  const tree = { ...base, ...files };
  const context = aPackContext(tree, {
    application: ["/app"],
    workdir: "/app",
    ...more,
    seen: [...seen, ...(more.seen ?? [])],
  });
  return keptBy(python, context).filter((path) => !(path in base) && !path.startsWith("/app/"));
}

describe("python", () => {
  it("keeps nothing of an interpreter that did not run", () => {
    const context = aPackContext(
      { ...base, "/app/a.py": "import json", [`${lib}/json.py`]: "" },
      { application: ["/app"] },
    );
    expect(keptBy(python, context)).toEqual([]);
  });

  it("follows late imports of the application, and further only what loading them imports", () => {
    const files = {
      "/app/a.py": "def f():\n  import one",
      [`${lib}/one.py`]: "import two\ndef f():\n  import three",
      [`${lib}/two.py`]: "def f():\n  import four",
      [`${lib}/three.py`]: "def f():\n  import four",
      [`${lib}/four.py`]: "",
    };
    expect(kept(files)).toEqual(["one", "three", "two"].map((name) => `${lib}/${name}.py`));
  });

  it("keeps bytecode of the interpreter's tag beside a source, and C extensions", () => {
    const files = {
      "/app/a.py": "import mod",
      [`${lib}/mod.py`]: "import _mod",
      [`${lib}/__pycache__/mod.cpython-311.pyc`]: "x",
      [`${lib}/__pycache__/mod.cpython-39.pyc`]: "x",
      [`${lib}/lib-dynload/_mod.cpython-311-x86_64-linux-gnu.so`]: "x",
    };
    expect(kept(files)).toEqual([
      `${lib}/__pycache__/mod.cpython-311.pyc`,
      `${lib}/lib-dynload/_mod.cpython-311-x86_64-linux-gnu.so`,
      `${lib}/mod.py`,
    ]);
  });

  it("does not follow the library into its tools, but the application", () => {
    const files = { "/app/a.py": "import m", [`${lib}/m.py`]: "import doctest", [`${lib}/doctest.py`]: "" };
    expect(kept(files)).toEqual([`${lib}/m.py`]);
    expect(kept({ ...files, "/app/a.py": "import doctest" })).toEqual([`${lib}/doctest.py`]);
  });

  it("keeps a used distribution with data and metadata, without tests, stubs and unused languages", () => {
    const files = {
      [`${site}/used/late.py`]: "",
      [`${site}/used/page.html`]: "x",
      [`${site}/used/tests/test_a.py`]: "",
      [`${site}/used/a.pyi`]: "",
      [`${site}/used/locale/de/LC_MESSAGES/a.mo`]: "x",
      [`${site}/used/locale/fr/LC_MESSAGES/a.mo`]: "x",
      [`${site}/Used-1.0.dist-info/METADATA`]: "Name: Used",
      [`${site}/Used-1.0.dist-info/LICENSE`]: "x",
      [`${site}/idle/__init__.py`]: "",
      [`${site}/idle-1.0.dist-info/METADATA`]: "Name: idle",
    };
    expect(kept(files, { env: ["LANG=de_DE.UTF-8"] })).toEqual([
      `${site}/Used-1.0.dist-info/METADATA`,
      `${site}/used/late.py`,
      `${site}/used/locale/de/LC_MESSAGES/a.mo`,
      `${site}/used/page.html`,
    ]);
  });

  it("enters another distribution only when it is declared, named by the application, or used", () => {
    const files = {
      [`${site}/used/late.py`]: "",
      [`${site}/used/__init__.py`]: "def f():\n  import needed\n  import optional",
      [`${site}/used-1.0.dist-info/METADATA`]:
        "Requires-Dist: Needed (>=1)\nRequires-Dist: optional; extra == 'x'\n\ntext",
      [`${site}/needed.py`]: "",
      [`${site}/needed-1.dist-info/METADATA`]: "",
      [`${site}/optional/__init__.py`]: "",
      [`${site}/optional-1.dist-info/METADATA`]: "",
    };
    const names = [`${site}/needed-1.dist-info/METADATA`, `${site}/needed.py`];
    expect(kept(files)).toEqual([...names, `${site}/used-1.0.dist-info/METADATA`, `${site}/used/late.py`]);
    expect(kept({ ...files, "/app/a.py": "import optional" })).toContain(`${site}/optional/__init__.py`);
  });

  it.each([
    ["settings", { "/app/settings.py": 'APPS = ["pkg.part.Config"]' }, {}],
    ["a logging configuration", { "/app/logging.ini": "class=pkg.part.Handler" }, {}],
    ["a command", {}, { commands: [["uvicorn", "pkg.part:app"]] }],
    ["a worker class", {}, { commands: [["gunicorn", "--worker-class=pkg.part.Worker"]] }],
    ["the environment", {}, { env: ["DJANGO_SETTINGS_MODULE=pkg.part"] }],
    ["import_module", { "/app/a.py": 'import importlib\nimportlib.import_module("pkg.part")' }, {}],
    ["__import__", { "/app/a.py": '__import__("pkg.part")' }, {}],
    ["a relative name in a package", { "/app/a.py": "import pkg" }, {}],
  ])("keeps a module that %s names", (_, files, given) => {
    const packaged = { [`${site}/pkg/__init__.py`]: "from . import part", [`${site}/pkg/part.py`]: "" };
    expect(kept({ ...packaged, ...files }, given)).toContain(`${site}/pkg/part.py`);
  });

  it("keeps the authorities that packages bring along, also those of a package that only others import", () => {
    const files = {
      "/app/a.py": "def f():\n  import asks, botocore",
      [`${site}/asks/__init__.py`]: "from certifi import where",
      [`${site}/asks-1.dist-info/METADATA`]: "Requires-Dist: certifi (>=2017)\n",
      [`${site}/certifi/__init__.py`]: "",
      [`${site}/certifi/cacert.pem`]: "certificates",
      [`${site}/botocore/__init__.py`]: "",
      [`${site}/botocore/cacert.pem`]: "certificates",
      [`${site}/used/_credentials/roots.pem`]: "certificates",
    };
    expect(kept(files).filter((path) => path.endsWith(".pem"))).toEqual([
      `${site}/botocore/cacert.pem`,
      `${site}/certifi/cacert.pem`,
      `${site}/used/_credentials/roots.pem`,
    ]);
  });

  it("keeps modules of which there is only bytecode", () => {
    const files = { "/app/a.py": "import closed.late", [`${site}/closed/__init__.pyc`]: "x" };
    expect(kept({ ...files, [`${site}/closed/late.pyc`]: "x" })).toEqual([
      `${site}/closed/__init__.pyc`,
      `${site}/closed/late.pyc`,
    ]);
  });

  it("follows multiprocessing to each way of starting a process", () => {
    const parts = {
      context:
        "from . import process\nclass A:\n  def Pool(self):\n    from .pool import Pool\nclass B:\n  def _Popen(o):\n    from .popen_spawn_posix import Popen\nclass C:\n  def _Popen(o):\n    from .popen_forkserver import Popen",
      process: "",
      pool: "",
      popen_spawn_posix: "from . import spawn\nclass Popen:\n  def launch(self):\n    from . import resource_tracker",
      popen_forkserver: "from . import forkserver",
      spawn: "",
      forkserver: "",
      resource_tracker: "",
    };
    const multiprocessing = Object.entries({ __init__: "from . import context", ...parts }).map(
      ([name, source]) => [`${lib}/multiprocessing/${name}.py`, source] as const,
    );
    const files = { "/app/a.py": "import multiprocessing", ...Object.fromEntries(multiprocessing) };
    expect(kept(files)).toEqual(multiprocessing.map(([path]) => path).sort());
  });

  it("knows all distributions of a package that several share", () => {
    const files = {
      "/app/a.py": "import used",
      [`${site}/used/late.py`]: "def f():\n  import second",
      [`${site}/second/__init__.py`]: "",
      [`${site}/second-1.dist-info/METADATA`]: "Name: second",
      [`${site}/used-1.dist-info/top_level.txt`]: "used",
      [`${site}/used-1.dist-info/METADATA`]: "Name: used\nRequires-Dist: second",
      [`${site}/used_skinny-1.dist-info/top_level.txt`]: "used",
      [`${site}/used_skinny-1.dist-info/METADATA`]: "Name: used-skinny",
    };
    const more = { seen: [`${site}/used/late.py`] };
    expect(kept(files, more)).toEqual(
      Object.keys(files)
        .filter((path) => path !== "/app/a.py")
        .sort(),
    );
  });

  it("keeps the version of every distribution whose entry points were looked through, however long its description", () => {
    const files = {
      [`${site}/idle-1.dist-info/entry_points.txt`]: "[x]\ny = idle:z",
      [`${site}/idle-1.dist-info/METADATA`]: `Name: idle\n\n${"text ".repeat(20_000)}`,
      [`${site}/idle/__init__.py`]: "",
      [`${site}/hidden-1.dist-info/METADATA`]: "Name: hidden",
    };
    const at = `${site}/idle-1.dist-info/`;
    expect(kept(files, { seen: [`${at}entry_points.txt`] })).toEqual([`${at}METADATA`]);
  });

  it("finds parts of a namespace package in several places", () => {
    const files = {
      "/app/a.py": "import ns.one",
      [`${site}/ns/one/__init__.py`]: "",
      [`${site}/ns/two/__init__.py`]: "",
    };
    expect(kept(files)).toEqual([`${site}/ns/one/__init__.py`]);
  });

  it("takes the distribution of the started script for the application when there is no other", () => {
    const files = {
      "/venv/bin/tool": "#!/venv/bin/python\nfrom tool.main import run",
      [`${site}/tool/__init__.py`]: "",
      [`${site}/tool/main.py`]: "",
      [`${site}/tool/commands/__init__.py`]: "",
      [`${site}/tool/commands/late.py`]: "def f():\n  import wave",
      [`${lib}/wave.py`]: "",
      [`${site}/tool-1.dist-info/entry_points.txt`]: "[console_scripts]\ntool = tool.main:run",
    };
    const processes = [{ exe: "/usr/bin/python3.11", argv: ["/venv/bin/python", "/venv/bin/tool"] }];
    expect(kept(files, { processes })).toEqual(
      [
        "/venv/bin/tool",
        `${site}/tool-1.dist-info/entry_points.txt`,
        `${site}/tool/__init__.py`,
        `${site}/tool/commands/__init__.py`,
        `${site}/tool/commands/late.py`,
        `${site}/tool/main.py`,
        `${lib}/wave.py`,
      ].sort(),
    );
  });

  it("keeps rare codecs when the application encodes by a name that it computes", () => {
    const files = { [`${lib}/encodings/koi8_r.py`]: "", [`${lib}/encodings/mac_latin2.py`]: "" };
    expect(kept(files)).toEqual([`${lib}/encodings/koi8_r.py`]);
    const coder = { ...files, "/app/a.py": 'text.encode(request.args["as"])' };
    expect(kept(coder)).toContain(`${lib}/encodings/mac_latin2.py`);
  });

  it("follows a line of a .pth file, and is not stopped by loops of links and broken sources", () => {
    const files = {
      [`${site}/more.pth`]: "# no\nimport this\n/src/lib\n../nowhere\n",
      "/src/lib/mine.py": "from .... import x\nfrom mine import (\nimport mine",
      [`${site}/loop`]: `-> ${site}/loop`,
      "/app/a.py": "import mine, loop.x\n'''",
      "/app/b.py": "import loop\n)]}\x00",
    };
    expect(kept(files)).toEqual(["/src/lib/mine.py"]);
  });
});
