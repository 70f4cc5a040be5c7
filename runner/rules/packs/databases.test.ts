import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { databases } from "./databases.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const program = Buffer.from("\x7fELF");

describe("the databases pack", () => {
  const tree: Tree = {
    "/bin/sh": program,
    "/usr/bin/locale": program,
    ...of("15"),
    ...of("13"),
    "/usr/lib/postgresql/15/bin/pgbench": program,
    "/usr/lib/postgresql/15/lib/llvmjit.so": program,
    "/usr/lib/postgresql/15/lib/plperl.so": program,
    "/usr/lib/postgresql/15/lib/hstore_plpython3.so": program,
    "/usr/lib/postgresql/15/lib/bitcode/x.bc": "",
    "/usr/share/postgresql/15/man/man1/initdb.1.gz": "",
  };
  const server = "/usr/lib/postgresql/15/bin/postgres";
  const ran = (exe: string, more: Tree = {}, given = {}) =>
    aPackContext({ ...tree, ...more }, { processes: [{ exe, argv: [exe] }], ...given });

  it("keeps what PostgreSQL opens when a client asks, and what makes a cluster, of the version that ran", () => {
    expect(keptBy(databases, ran(server))).toEqual([
      "/bin/sh",
      "/usr/bin/locale",
      "/usr/lib/postgresql/15/bin/initdb",
      "/usr/lib/postgresql/15/bin/pg_ctl",
      server,
      "/usr/lib/postgresql/15/lib/pgcrypto.so",
      "/usr/lib/postgresql/15/lib/plpgsql.so",
      "/usr/share/postgresql/15/extension/pgcrypto--1.2--1.3.sql",
      "/usr/share/postgresql/15/extension/pgcrypto--1.3.sql",
      "/usr/share/postgresql/15/extension/pgcrypto.control",
      "/usr/share/postgresql/15/postgres.bki",
      "/usr/share/postgresql/15/postgresql.conf.sample",
      "/usr/share/postgresql/15/timezonesets/Default",
      "/usr/share/postgresql/15/tsearch_data/english.stop",
    ]);
  });

  it("leaves out conversions for East Asia unless a setting names one, or the server of its time loads all of them", () => {
    const of = (version: string) =>
      ["utf8_and_sjis", "euc2004_sjis2004", "utf8_and_iso8859", "cyrillic_and_mic"].map(
        (name) => `/usr/lib/postgresql/${version}/lib/${name}.so`,
      );
    const more = Object.fromEntries([...of("15"), ...of("12")].map((path) => [path, program]));
    const old = { "/usr/lib/postgresql/12/bin/postgres": program, "/usr/lib/postgresql/12/lib/plpgsql.so": program };
    const conversions = (exe: string, given = {}) =>
      keptBy(databases, ran(exe, { ...more, ...old }, given)).filter((path) => /_and_|sjis/.test(path));
    const [sjis = "", euc = "", ...plain] = of("15");
    expect(conversions(server)).toEqual(plain.sort());
    expect(conversions(server, { env: ["LANG=en_US.UTF-8", "APP=gbkit"] })).toEqual(plain.sort());
    for (const given of [{ env: ["PGCLIENTENCODING=SHIFT_JIS_2004"] }, { commands: [["postgres", "-c", "x=EUC_JP"]] }])
      expect(conversions(server, given)).toEqual([sjis, euc, ...plain].sort());
    expect(conversions("/usr/lib/postgresql/12/bin/postgres")).toEqual(of("12").sort());
  });

  it("finds the server's directories where a build from source has them", () => {
    const built = {
      "/usr/local/bin/postgres": program,
      "/usr/local/bin/initdb": program,
      "/usr/local/lib/postgresql/plpgsql.so": program,
      "/usr/local/lib/postgresql/pgxs/src/makefiles/x.mk": "",
      "/usr/local/lib/postgresql/pgoutput.so": program,
      "/usr/local/share/postgresql/postgres.bki": "",
      "/usr/local/share/postgresql/timezonesets/Default": "",
    };
    const context = aPackContext(built, { processes: [{ exe: "/usr/local/bin/postgres", argv: ["postgres"] }] });
    expect(keptBy(databases, context)).toEqual(
      Object.keys(built)
        .filter((path) => !path.endsWith(".mk"))
        .sort(),
    );
  });

  it("leaves scripts for upgrades away when extensions are very large, and modules that are larger than any of the server's", () => {
    const share = "/usr/share/postgresql/15/extension";
    const more = { [`${share}/postgis--3.3.sql`]: "", [`${share}/postgis--1.0--3.3.sql`]: "" };
    const entries = {
      [`${share}/postgis--1.0--3.3.sql`]: { size: 40 << 20 },
      "/usr/lib/postgresql/15/lib/pgcrypto.so": { size: 5 << 20 },
    };
    const kept = keptBy(databases, ran(server, more, { entries }));
    expect(kept).toContain(`${share}/postgis--3.3.sql`);
    expect(kept).not.toContain(`${share}/postgis--1.0--3.3.sql`);
    expect(kept).not.toContain("/usr/lib/postgresql/15/lib/pgcrypto.so");
  });

  it("keeps nothing for a server that did not run, or a program of its name that is none", () => {
    expect(keptBy(databases, aPackContext(tree))).toEqual([]);
    expect(keptBy(databases, ran("/usr/bin/redis-server"))).toEqual([]);
    expect(keptBy(databases, ran("/gone/postgres"))).toEqual([]);
  });

  const mariadb = {
    "/usr/sbin/mariadbd": program,
    "/usr/bin/mariadb-install-db": "#!/bin/sh\n",
    "/usr/bin/resolveip": program,
    "/usr/share/mysql/charsets/Index.xml": "",
    "/usr/share/mysql/english/errmsg.sys": "",
    "/usr/share/mysql/czech/errmsg.sys": "",
    "/usr/share/mysql/mysql_system_tables.sql": "",
    "/usr/lib/mysql/plugin/auth_ed25519.so": program,
    "/usr/lib/mysql/plugin/auth_test_plugin.so": program,
  };

  it("keeps character sets and plug-ins for MariaDB, and tables for a new cluster only with the program that makes one", () => {
    const context = ran("/usr/sbin/mariadbd", mariadb);
    const kept = [
      "/usr/lib/mysql/plugin/auth_ed25519.so",
      "/usr/share/mysql/charsets/Index.xml",
      "/usr/share/mysql/english/errmsg.sys",
    ];
    expect(keptBy(databases, context)).toEqual(kept);
    expect(keptBy(databases, context, ["/usr/bin/mariadb-install-db"], "run")).toEqual(
      [...kept, "/usr/bin/resolveip", "/usr/share/mysql/mysql_system_tables.sql"].concat("/usr/sbin/mariadbd").sort(),
    );
  });
});

/** A PostgreSQL as distributions install it. */
function of(version: string): Tree {
  const [lib, share] = [`/usr/lib/postgresql/${version}`, `/usr/share/postgresql/${version}`];
  return {
    [`${lib}/bin/postgres`]: program,
    [`${lib}/bin/initdb`]: program,
    [`${lib}/bin/pg_ctl`]: program,
    [`${lib}/lib/plpgsql.so`]: program,
    [`${lib}/lib/pgcrypto.so`]: program,
    [`${share}/postgres.bki`]: "",
    [`${share}/postgresql.conf.sample`]: "",
    [`${share}/timezonesets/Default`]: "",
    [`${share}/tsearch_data/english.stop`]: "",
    [`${share}/extension/pgcrypto.control`]: "",
    [`${share}/extension/pgcrypto--1.3.sql`]: "",
    [`${share}/extension/pgcrypto--1.2--1.3.sql`]: "",
  };
}
