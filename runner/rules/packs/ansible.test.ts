import { describe, expect, it } from "vitest";
import { ansible } from "./ansible.ts";
import { ansibleNames, isPlaybook, redirects } from "./ansible-names.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { python } from "./python.ts";

const lib = "/usr/lib/python3.11";
const site = "/usr/lib/python3/dist-packages";
const core = `${site}/ansible`;
const found = `${site}/ansible_collections`;
const base = {
  [`${lib}/os.py`]: "",
  [`${core}/__init__.py`]: "",
  [`${core}/plugins/loader.py`]: "",
  [`${core}/config/ansible_builtin_runtime.yml`]:
    "plugin_routing:\n  modules:\n    hen:\n      redirect: farm.birds.hen\n  filter:\n    cluck:\n      redirect: farm.birds.cluck\n",
  [`${found}/farm/birds/MANIFEST.json`]: '{"collection_info": {"dependencies": {"farm.tools": ">=1"}}}',
  [`${found}/farm/birds/plugins/modules/hen.py`]: "try:\n  import egg\nexcept ImportError:\n  pass",
  [`${found}/farm/birds/plugins/modules/cock.py`]: "import crow",
  [`${found}/farm/birds/plugins/filter/sounds.py`]: "import sound",
  [`${found}/farm/birds/roles/roost/tasks/main.yml`]: "[]",
  [`${found}/farm/birds/tests/unit/hen.py`]: "",
  [`${found}/farm/birds/README.md`]: "",
  [`${found}/farm/tools/plugins/modules/fork.py`]: "",
  [`${found}/farm/mills/plugins/modules/mill.py`]: "",
  [`${found}/farm/mills/meta/runtime.yml`]: "plugin_routing:\n  modules:\n    hen:\n      redirect: farm.birds.hen\n",
  [`${site}/egg/__init__.py`]: "",
  [`${site}/crow/__init__.py`]: "",
  [`${site}/sound/__init__.py`]: "",
};
const seen = [`${lib}/os.py`, `${core}/plugins/loader.py`];
const play = (task: string) => ({ "/plays/a.yml": `- hosts: all\n  tasks:\n    - name: a\n      ${task}\n` });

const contextOf = (files: Record<string, string>, more: Parameters<typeof aPackContext>[1] = {}) =>
  aPackContext({ ...base, ...files }, { application: ["/plays"], workdir: "/plays", seen, ...more });

/** What is kept of collections and packages, below the site. */
const kept = (files: Record<string, string>, pack = ansible) =>
  keptBy(pack, contextOf(files))
    .filter((path) => path.startsWith(`${site}/`) && !path.startsWith(`${core}/`))
    .map((path) => path.slice(site.length + 1));

const birds = [
  "MANIFEST.json",
  "plugins/filter/sounds.py",
  "plugins/modules/cock.py",
  "plugins/modules/hen.py",
  "roles/roost/tasks/main.yml",
].map((path) => `ansible_collections/farm/birds/${path}`);
const tools = ["ansible_collections/farm/tools/plugins/modules/fork.py"];

describe("ansible", () => {
  it("keeps a collection that a task names, and what it depends on, without tests and documents", () => {
    expect(kept(play("farm.birds.hen: {legs: 2}"))).toEqual([...birds, ...tools]);
  });

  it("knows collections by a short name that Ansible's routing moves", () => {
    expect(kept(play("hen: {legs: 2}"))).toEqual([...birds, ...tools]);
    expect(kept(play('debug: { msg: "{{ door | cluck }}" }'))).toEqual([...birds, ...tools]);
    expect(kept(play('debug: { msg: "hen and cluck" }'))).toEqual([]);
  });

  it("follows a full name that a collection moves into another", () => {
    expect(kept(play("farm.mills.hen:"))).toEqual(
      [...birds, ...tools, "meta/runtime.yml", "plugins/modules/mill.py"]
        .map((path) => (path.startsWith("ansible") ? path : `ansible_collections/farm/mills/${path}`))
        .sort(),
    );
  });

  it("keeps collections that templates, settings and requirements name", () => {
    for (const [path, text] of [
      ["/plays/roles/a/templates/a.j2", "{{ x | farm.tools.sharp }}"],
      ["/plays/ansible.cfg", "[defaults]\nstdout_callback = farm.tools.shout"],
      ["/plays/requirements.yml", "collections:\n  - name: farm.tools"],
    ] as const)
      expect(kept({ ...play("ping:"), [path]: text }), path).toEqual(tools);
  });

  it("keeps none that nothing names, but all when the image has no playbook", () => {
    expect(kept(play("ansible.builtin.ping:"))).toEqual([]);
    const all = kept({ "/plays/hosts.yml": "all:\n  hosts: { a: {} }" });
    expect(all).toEqual(expect.arrayContaining([...birds, ...tools]));
    expect(all).toContain("ansible_collections/farm/mills/plugins/modules/mill.py");
  });

  it("keeps collections and roles that somebody installed by themselves", () => {
    const own = "/root/.ansible/collections/ansible_collections/my/own/plugins/modules/x.py";
    const role = "/etc/ansible/roles/barn/tasks/main.yml";
    expect(keptBy(ansible, contextOf({ ...play("ping:"), [own]: "", [role]: "- farm.tools.fork:" }))).toEqual([
      role,
      own,
      `${found}/farm/tools/plugins/modules/fork.py`,
    ]);
  });

  it("keeps nothing when Ansible did not run", () => {
    expect(keptBy(ansible, contextOf(play("farm.birds.hen:"), { seen: [`${lib}/os.py`] }))).toEqual([]);
  });

  it("keeps what a named plugin imports, tried or not, and not what its neighbours do", () => {
    const modules = (task: string) => kept(play(task), python).filter((path) => !path.startsWith("ansible_"));
    expect(modules("farm.birds.hen:")).toEqual(["egg/__init__.py"]);
    expect(modules('debug: { msg: "{{ x | farm.birds.crowing }}" }')).toEqual(["sound/__init__.py"]);
    expect(modules("ping:")).toEqual([]);
  });

  it("keeps programs that named modules look for, and those with which hosts are reached", () => {
    const files = {
      [`${core}/modules/keeper.py`]: 'command_name = "addkeeper"\nx = module.get_bin_path(command_name)',
      [`${core}/modules/other.py`]: 'x = module.get_bin_path("addother")',
      [`${core}/modules/quiet.py`]: 'x = "addother"',
      ...Object.fromEntries(["addkeeper", "addother", "mkdir", "ssh"].map((name) => [`/usr/bin/${name}`, "\x7fELF"])),
    };
    const entries = Object.fromEntries(
      ["addkeeper", "addother", "mkdir", "ssh"].map((name) => [`/usr/bin/${name}`, { mode: 0o755 }]),
    );
    const programs = (task: string) => keptBy(ansible, contextOf({ ...files, ...play(task) }, { entries }));
    expect(programs("keeper:")).toEqual(["/usr/bin/addkeeper", "/usr/bin/mkdir", "/usr/bin/ssh"]);
    expect(programs("ansible.builtin.other:")).toEqual(["/usr/bin/addother", "/usr/bin/mkdir", "/usr/bin/ssh"]);
    expect(programs("quiet:")).toEqual(["/usr/bin/mkdir", "/usr/bin/ssh"]);
  });
});

describe("names in Ansible's files", () => {
  it("takes full names with their rest, also behind ansible_collections, and no paths or versions", () => {
    const { full } = ansibleNames([
      "a.b.c: x\nfrom ansible_collections.d.e.plugins import f\n/opt/g.h.i 1.2.3 a.b.c.j",
    ]);
    expect([...full].map(([name, rests]) => [name, [...rests]])).toEqual([
      ["a.b", ["c", "c.j"]],
      ["d.e", ["plugins"]],
    ]);
  });

  it("takes short names where a plugin stands", () => {
    const texts = [
      "- cron:\n  with_nested: [a]\n  connection: docker",
      "callbacks_enabled = timer, mail",
      "{{ a | b }}",
    ];
    const { short } = ansibleNames(texts);
    for (const name of [
      "modules cron",
      "lookup nested",
      "connection docker",
      "callback timer",
      "callback mail",
      "filter b",
    ])
      expect(short).toContain(name);
    expect(short).not.toContain("modules docker");
  });

  it("tells a playbook from an inventory", () => {
    expect(isPlaybook("---\n- name: a\n  hosts: b")).toBe(true);
    expect(isPlaybook("- hosts: b")).toBe(true);
    expect(isPlaybook("all:\n  hosts:\n    b:")).toBe(false);
    expect(isPlaybook("- name: task\n  ping:")).toBe(false);
  });

  it("reads what a runtime.yml redirects, and nothing else in it", () => {
    const text =
      "requires_ansible: x\nplugin_routing:\n  modules:\n    a.b:\n      redirect: n.c.a\n      deprecation:\n        redirect: no\n    c:\n      tombstone:\n        warning_text: redirect\naction_groups:\n  x:\n    y:\n      redirect: no.no.no\n";
    expect([...redirects(text)]).toEqual([["modules a.b", "n.c.a"]]);
  });

  it("takes linear time and never throws", () => {
    const started = performance.now();
    for (const part of ["a.b.", "a".repeat(99), "| ", "- a:\n", "with_", "\t ", "callbacks_enabled=,"])
      ansibleNames([part.repeat(40_000)]);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
