import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { aBeam } from "./beam.builder.ts";
import { erlang } from "./erlang.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const lib = "/usr/lib/erlang/lib";
const erts = "/usr/lib/erlang/erts-13/bin";

/** An application of OTP: modules with what they call. */
function anApplication(directory: string, name: string, modules: Record<string, string[]>, needs: string[] = []): Tree {
  const beams = Object.entries(modules).map(([module, calls]) => [
    `${directory}/ebin/${module}.beam`,
    aBeam(module, { calls }),
  ]);
  return {
    [`${directory}/ebin/${name}.app`]: `{application,${name},[{applications,[${["kernel", ...needs].join(",")}]}]}.`,
    ...Object.fromEntries(beams),
  };
}

const otp: Tree = {
  [`${erts}/beam.smp`]: Buffer.from("elf"),
  [`${erts}/erl_child_setup`]: Buffer.from("elf"),
  [`${erts}/inet_gethost`]: Buffer.from("elf"),
  [`${erts}/epmd`]: Buffer.from("elf"),
  [`${erts}/erlc`]: Buffer.from("elf"),
  "/usr/lib/erlang/bin/no_dot_erlang.boot": "boot",
  ...anApplication(`${lib}/kernel-8`, "kernel", { file: [], erpc: [], code: ["compile", "file"] }),
  ...anApplication(`${lib}/stdlib-4`, "stdlib", {
    lists: [],
    maps: ["qlc"],
    qlc: ["qlc_pt"],
    qlc_pt: [],
    erl_eval: [],
    zip: ["lists"],
  }),
  ...anApplication(`${lib}/compiler-8`, "compiler", { compile: ["v3_core"], v3_core: [] }),
  ...anApplication(`${lib}/erts-13`, "erts", { erlang: [] }),
  ...anApplication(`${lib}/ssl-10`, "ssl", { ssl: ["tls"], tls: [] }, ["public_key"]),
  ...anApplication(`${lib}/public_key-1`, "public_key", { public_key: [] }, ["asn1"]),
  ...anApplication(`${lib}/asn1-5`, "asn1", { asn1rt_nif: [], asn1ct_gen: [] }),
  ...anApplication(`${lib}/xmerl-1`, "xmerl", { xmerl_scan: [], xmerl_xpath: [] }),
  ...anApplication(`${lib}/wx-2`, "wx", { wx: [], wx_object: [] }),
  [`${lib}/ssl-10/ebin/ssl.erl`]: "source",
  [`${lib}/ssl-10/include/ssl.hrl`]: "header",
  [`${lib}/ssl-10/priv/ssl.so`]: "elf",
};

type Given = { seen?: string[]; env?: string[]; argv?: string[]; application?: string[]; used?: string[] };

function kept(
  tree: Tree,
  { seen = [], argv = [], application = ["/opt/barn"], used = seen, env = [] }: Given = {},
): string[] {
  const processes = [{ exe: `${erts}/beam.smp`, argv: ["beam.smp", ...argv] }];
  const context = aPackContext({ ...otp, ...tree }, { seen, processes, application, env, workdir: "/opt/barn" });
  return keptBy(erlang, context, used)
    .map((path) => path.replace(`${lib}/`, ""))
    .sort();
}
const modules = (paths: string[]) =>
  paths.filter((path) => path.endsWith(".beam")).map((path) => path.replace(/.*\/|\.beam$/g, ""));

const ofBarn = (calls: string[], atoms: string[] = []): Tree => ({
  "/opt/barn/ebin/barn.beam": aBeam("barn", { calls, atoms }),
});
const barn = "/opt/barn/ebin/barn.beam";

describe("erlang", () => {
  it("keeps the emulator's helpers and boot files, and nothing when no emulator ran", () => {
    expect(kept({})).toEqual([
      "/usr/lib/erlang/bin/no_dot_erlang.boot",
      `${erts}/erl_child_setup`,
      `${erts}/inet_gethost`,
    ]);
    expect(
      keptBy(erlang, aPackContext({ ...otp, ...ofBarn(["ssl"]) }, { application: ["/opt/barn"] }), [barn]),
    ).toEqual([]);
  });

  it("keeps epmd for nodes that have a name", () => {
    expect(kept({}, { argv: ["--", "-sname", "barn"] })).toContain(`${erts}/epmd`);
  });

  it("keeps an application that the own code calls whole, with those that it starts, without sources and headers", () => {
    expect(kept(ofBarn(["tls"]), { used: [barn] }).filter((path) => /^(ssl|public)/.test(path))).toEqual([
      "public_key-1/ebin/public_key.app",
      "public_key-1/ebin/public_key.beam",
      "ssl-10/ebin/ssl.app",
      "ssl-10/ebin/ssl.beam",
      "ssl-10/ebin/tls.beam",
      "ssl-10/priv/ssl.so",
    ]);
  });

  it("takes an atom for an application of that name, and else for one module", () => {
    expect(modules(kept(ofBarn([], ["ssl"]), { used: [barn] }))).toEqual(["asn1rt_nif", "public_key", "ssl", "tls"]);
    expect(modules(kept(ofBarn([], ["xmerl_scan", "lists", "erlang"]), { used: [barn] }))).toEqual([
      "lists",
      "xmerl_scan",
    ]);
  });

  it("keeps of kernel and stdlib what is called, compilers and databases only for who calls them", () => {
    const [code = ""] = [`${lib}/kernel-8/ebin/code.beam`];
    expect(modules(kept({}, { seen: [code, `${lib}/stdlib-4/ebin/maps.beam`] }))).toEqual(["file"]);
    expect(modules(kept(ofBarn(["zip", "qlc"]), { used: [barn] }))).toEqual(["lists", "qlc", "qlc_pt", "zip"]);
  });

  it("keeps developers' applications by the module, whole only when they were used", () => {
    expect(modules(kept(ofBarn(["wx"]), { used: [barn] }))).toEqual(["wx"]);
    expect(modules(kept({}, { seen: [`${lib}/wx-2/ebin/wx.beam`] }))).toEqual(["wx_object"]);
  });

  it("keeps the version of an application that was used, where Debian has those of ejabberd", () => {
    const tree = {
      ...anApplication("/usr/lib/x86_64-linux-gnu/ejabberd-23", "ejabberd", { ejabberd: [], mod_muc: [] }, [
        "cache_tab",
      ]),
      ...anApplication("/usr/lib/x86_64-linux-gnu/ejabberd-22", "ejabberd", { ejabberd: [] }),
      ...anApplication(`${lib}/cache_tab-1`, "cache_tab", { cache_tab: [] }),
      "/usr/lib/x86_64-linux-gnu/ejabberd-23/priv/msgs/de.msg": "text",
      "/usr/lib/x86_64-linux-gnu/ejabberd-23/priv/index.html": "page",
      "/usr/lib/x86_64-linux-gnu/ejabberd-23/priv/bin/captcha.sh": "#!/bin/sh",
    };
    const names = kept(tree, { seen: ["/usr/lib/x86_64-linux-gnu/ejabberd-23/ebin/ejabberd.beam"] });
    expect(names.filter((path) => /ejabberd|cache/.test(path))).toEqual([
      "/usr/lib/x86_64-linux-gnu/ejabberd-23/ebin/ejabberd.app",
      "/usr/lib/x86_64-linux-gnu/ejabberd-23/ebin/mod_muc.beam",
      "/usr/lib/x86_64-linux-gnu/ejabberd-23/priv/bin/captcha.sh",
      "/usr/lib/x86_64-linux-gnu/ejabberd-23/priv/index.html",
      "/usr/lib/x86_64-linux-gnu/ejabberd-23/priv/msgs/de.msg",
      "cache_tab-1/ebin/cache_tab.app",
      "cache_tab-1/ebin/cache_tab.beam",
    ]);
  });

  it("keeps data of an application that its links lead to, never a directory of the system", () => {
    const hen = "/usr/lib/x86_64-linux-gnu/hen-1";
    const tree = {
      ...anApplication(hen, "hen", { hen: [] }),
      [`${hen}/priv/img`]: "-> ../../../../share/hen/img",
      [`${hen}/priv/doc`]: "-> /usr/share/doc",
      "/usr/share/hen/img/logo.png": "image",
      "/usr/share/hen/other": "data",
      "/usr/share/doc/hen/README": "text",
    };
    const names = kept(tree, { seen: [`${hen}/ebin/hen.beam`] });
    expect(names.filter((path) => /share|priv/.test(path))).toEqual([
      `${hen}/priv/doc`,
      `${hen}/priv/img`,
      "/usr/share/doc",
      "/usr/share/hen/img",
      "/usr/share/hen/img/logo.png",
    ]);
  });

  it("keeps a release that runs whole, developers' applications too", () => {
    const release = {
      ...anApplication("/srv/hen/lib/hen-1", "hen", { "Elixir.Hen": [], "Elixir.Hen.Egg": [] }),
      ...anApplication("/srv/hen/lib/iex-1", "iex", { "Elixir.IEx": [] }),
      "/srv/hen/releases/1.0/sys.config": "[].",
      "/srv/hen/releases/1.0/consolidated/Elixir.Enumerable.beam": aBeam("Elixir.Enumerable"),
      "/srv/hen/bin/hen": "#!/bin/sh",
    };
    const names = kept(release, { seen: ["/srv/hen/lib/hen-1/ebin/Elixir.Hen.beam"] });
    expect(names.filter((path) => path.startsWith("/srv"))).toEqual([
      "/srv/hen/bin/hen",
      "/srv/hen/lib/hen-1/ebin/Elixir.Hen.Egg.beam",
      "/srv/hen/lib/hen-1/ebin/hen.app",
      "/srv/hen/lib/iex-1/ebin/Elixir.IEx.beam",
      "/srv/hen/lib/iex-1/ebin/iex.app",
      "/srv/hen/releases/1.0/consolidated/Elixir.Enumerable.beam",
      "/srv/hen/releases/1.0/sys.config",
    ]);
    expect(kept(release).filter((path) => path.startsWith("/srv"))).toEqual([]);
  });

  it("follows the options of the emulator: code paths, configuration with what it names, boot files", () => {
    const tree = {
      ...anApplication("/deps/a", "a", { a: [] }),
      ...anApplication("/deps/b", "b", { b: [] }),
      "/opt/barn/etc/own.config": "[{ssl, [{x, xmerl_scan}]}].",
      "/opt/barn/own.boot": "k\0\x1c$ROOT/lib/public_key-1/ebink",
    };
    const argv = ["--", "-noshell", "-pa", "/deps/a/ebin", "/deps/b/ebin", "-config", "etc/own", "-boot", "own"];
    const names = kept(tree, { argv });
    const expected = ["/deps/a/ebin/a.beam", "/deps/b/ebin/b.beam", "/opt/barn/etc/own.config", "/opt/barn/own.boot"];
    expect(names).toEqual(
      expect.arrayContaining([...expected, "xmerl-1/ebin/xmerl_scan.beam", "ssl-10/ebin/tls.beam"]),
    );
    expect(names).not.toContain("xmerl-1/ebin/xmerl_xpath.beam");
    expect(kept({ ...tree, "/opt/barn/etc/own.config": "[]." }, { argv })).toContain(
      "public_key-1/ebin/public_key.beam",
    );
  });

  it("keeps the libraries of ERL_LIBS, unless that is the system's", () => {
    const tree = anApplication("/deps/a", "a", { a: [] });
    expect(modules(kept(tree, { env: [`ERL_LIBS=${lib}:/deps`] }))).toEqual(["a"]);
  });

  it("keeps all archives of a directory of which one was opened", () => {
    const tree = { "/plugins/a.ez": "zip", "/plugins/b.ez": "zip", "/other/c.ez": "zip" };
    expect(kept(tree, { seen: ["/plugins/a.ez"] }).filter((path) => path.endsWith(".ez"))).toEqual(["/plugins/b.ez"]);
  });

  it("passes over modules that are damaged", () => {
    const tree = {
      [barn]: aBeam("barn", { calls: ["ssl"] }).subarray(0, 30),
      "/opt/barn/ebin/barn.app": "{application",
    };
    expect(modules(kept(tree, { used: [barn] }))).toEqual([]);
  });
});
