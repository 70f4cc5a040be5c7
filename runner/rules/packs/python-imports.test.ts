import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pythonImports } from "./python-imports.ts";

/** `when module`, with the dots of its level before the name and `:names` behind it. */
const scan = (source: string) =>
  pythonImports(source).imports.map(
    ({ module, level, names, when }) =>
      `${when === "module" ? "" : `${when} `}${".".repeat(level)}${module}${names.length > 0 ? `:${names.join(",")}` : ""}`,
  );

describe("pythonImports", () => {
  it.each([
    ["import os, sys as s, a.b.c as d", ["os", "sys", "a.b.c"]],
    ["from a import b, c as d", ["a:b,c"]],
    ["from a import (\n  b,  # why\n  c,\n)", ["a:b,c"]],
    ["from . import x\nfrom .a import *\nfrom ... b . c import d", [".:x", ".a:*", "...b.c:d"]],
    ["from.import x;from.importlib import y", [".:x", ".importlib:y"]],
    ["import a; import b; x = 1", ["a", "b"]],
    ["import \\\n  a", ["a"]],
    ["import a\\\r\n  , b", ["a", "b"]],
    ["try: import a\nexcept ImportError: import b", ["a", "b"]],
    ["if x:\n  import a\nelse:\n\timport b", ["a", "b"]],
    ["class A:\n  import a\n  def f(self): import b", ["a", "lazy b"]],
    ["def f():\n  import a\n\n# text\n  import b\nimport c", ["lazy a", "lazy b", "c"]],
    ["async  def f(x=(1,\n2)):\n  if x:\n    import a\nimport b", ["lazy a", "b"]],
    ["if TYPE_CHECKING:\n  import a\nelse:\n  import b", ["never a", "b"]],
    ["if t.TYPE_CHECKING and x:\n  import a", ["never a"]],
    ["if not TYPE_CHECKING:\n  import a", ["a"]],
    ["if TYPE_CHECKING or x:\n  import a", ["a"]],
    [
      "if sys.platform == 'win32':\n  import a\nelif os.name == \"nt\":\n  import b\nelse: import c",
      ["never a", "never b", "c"],
    ],
    ["if sys.platform == 'linux':\n  import a", ["a"]],
    ["if False:\n  def f():\n    import a", ["never a"]],
    ["if __name__ == '__main__':\n  import a", ["lazy a"]],
    ["x = '''\nimport a\n'''\nimport b", ["b"]],
    [String.raw`x = r"\\" ; import b`, ["b"]],
    [`x = 'a\nimport b`, ["b"]],
    [`x = "it's" + f'{y["z"]}' + rb'\\''\nimport b`, ["b"]],
    [`x = f"{y["z"]}"\nimport b`, ["b"]],
    ["# import a\nimport b # import c", ["b"]],
    ["important = 1\nimport_x = 2\nfrom_ = 3\nx.import_(y)", []],
    ["print 'a'\nexec 'import b'\nimport c", ["c"]],
    ["yield_from = [\nimport_ ,\n]\nx = (\nimport a", ["a"]],
    ["\ufeffimport a\r\nimport b\rimport c", ["a", "b", "c"]],
    ["import m\u00fcsli.\u00e9", ["m\u00fcsli.\u00e9"]],
    ["importlib.import_module('a.b')\nx = __import__(name=\"c\", fromlist=['d'])", ["a.b", "c"]],
    ["def f():\n  return import_module('.a', __package__)", ["lazy .a"]],
    ["import_module(f'a.{b}')\nimport_module(a)\nimport_module('')", []],
    ["import", []],
    ["from", []],
    ["from import x", []],
  ])("%j", (source, expected) => {
    expect(scan(source)).toEqual(expected);
  });

  it("gathers literals that could name a module, and what __all__ lists", () => {
    const source = `INSTALLED_APPS = ["django.contrib.admin", 'rest_framework', "not one", "app.main:app", "9a"]
__all__ = ("a",
  "b")
__all__ += ["c"]`;
    const { literals, all } = pythonImports(source);
    expect([...literals]).toEqual(["django.contrib.admin", "rest_framework", "app.main:app", "a", "b", "c"]);
    expect(all).toEqual(["a", "b", "c"]);
  });

  it("never throws and takes linear time", () => {
    const pieces = [
      "'",
      '"',
      '"""',
      "(",
      ")",
      "\\",
      "\n",
      " ",
      "\t",
      "#",
      ":",
      ";",
      "import a",
      "from ",
      ".",
      "def f",
      "if ",
      "\udc80",
    ];
    const source = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((all) => all.join(""));
    fc.assert(fc.property(fc.oneof(source, fc.string()), (text) => pythonImports(text) !== undefined));
    for (const piece of ["(", '"""', "'", "from ", " ", ": import ", "if (", "def f:\n ", ". ", "\\\n", "'a' "]) {
      // More than linear would not end within the test's time.
      expect(pythonImports(`from ${piece.repeat(100_000)}`)).toBeDefined();
    }
  });
});
