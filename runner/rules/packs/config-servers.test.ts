import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { configRefs } from "./config-refs.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const program = Buffer.from("\x7fELF");

/** What a configuration that was read keeps besides itself, without the directories that it writes to. */
function keptFor(main: string, text: string, more: Tree = {}, given: { workdir?: string } = {}): string[] {
  const context = aPackContext({ [main]: text, ...more }, { seen: [main], ...given });
  return keptBy(configRefs, context, [main]).filter((path) => context.rootfs.get(path)?.type !== "directory");
}

/** Directories alone. */
function directoriesFor(main: string, text: string, more: Tree = {}): string[] {
  const context = aPackContext({ [main]: text, ...more }, { seen: [main] });
  return keptBy(configRefs, context, [main]).filter((path) => context.rootfs.get(path)?.type === "directory");
}

describe("PHP-FPM", () => {
  it("includes its pools, and writes to sockets, sessions and logs", () => {
    const main = "/etc/php/8.2/fpm/php-fpm.conf";
    const tree = {
      "/etc/php/8.2/fpm/pool.d/www.conf":
        "[www]\nlisten = /run/php/fpm.sock\nphp_admin_value[session.save_path] = /srv/sessions/x ; where\nslowlog=/var/log/php/slow.log",
      "/etc/php/8.2/fpm/pool.d/www.conf.off": "",
      "/run/php": "dir",
      "/srv/sessions/x": "dir",
      "/var/log/php": "dir",
    };
    const text = "[global]\n;include=/srv/no\ninclude=/etc/php/8.2/fpm/pool.d/*.conf";
    expect(keptFor(main, text, tree)).toEqual(["/etc/php/8.2/fpm/pool.d/www.conf"]);
    expect(directoriesFor(main, text, tree)).toEqual(
      expect.arrayContaining(["/run/php", "/srv/sessions/x", "/var/log/php"]),
    );
  });
});

describe("MySQL", () => {
  it("includes files and directories, and finds plug-ins, certificates and messages", () => {
    const tree = {
      "/etc/mysql/conf.d/a.cnf":
        "[mysqld]\nplugin_load_add = auth_ed25519\nplugin-load=x=ha_a.so;b\nssl-ca = '/etc/mysql/ca.pem'\nlc_messages_dir=/usr/share/mysql/english",
      "/etc/mysql/conf.d/a.txt": "!include /etc/mysql/no.cnf",
      "/etc/mysql/no.cnf": "",
      "/etc/mysql/b.cnf": "#ssl-ca = /etc/mysql/other.pem\ninit-file=/etc/mysql/init.sql",
      "/etc/mysql/init.sql": "",
      "/etc/mysql/ca.pem": "",
      "/etc/mysql/other.pem": "",
      "/usr/lib/mysql/plugin/auth_ed25519.so": program,
      "/usr/lib/mysql/plugin/ha_a.so": program,
      "/usr/lib/mysql/plugin/b.so": program,
      "/usr/lib/mysql/plugin/c.so": program,
      "/usr/share/mysql/english/errmsg.sys": "",
      "/var/lib/mysql/x": "",
    };
    const text =
      "[client-server]\nsocket=/run/mysqld/x.sock\ndatadir=/var/lib/mysql\n!includedir /etc/mysql/conf.d/\n!include /etc/mysql/b.cnf";
    expect(keptFor("/etc/mysql/my.cnf", text, tree)).toEqual([
      "/etc/mysql/b.cnf",
      "/etc/mysql/ca.pem",
      "/etc/mysql/conf.d/a.cnf",
      "/etc/mysql/init.sql",
      "/usr/lib/mysql/plugin/auth_ed25519.so",
      "/usr/lib/mysql/plugin/b.so",
      "/usr/lib/mysql/plugin/ha_a.so",
      "/usr/share/mysql/english/errmsg.sys",
    ]);
    expect(directoriesFor("/etc/mysql/my.cnf", text, tree)).toContain("/var/lib/mysql");
  });
});

describe("Redis", () => {
  it("includes files relative to where it starts, and finds modules, users, certificates and scripts", () => {
    const tree = {
      "/srv/local.conf": "loadmodule /usr/lib/redis/modules/json.so SIZE 4\n# loadmodule /usr/lib/redis/modules/no.so",
      "/usr/lib/redis/modules/json.so": program,
      "/usr/lib/redis/modules/no.so": program,
      "/data/users.acl": "",
      "/etc/redis/tls/a.key": "",
      "/usr/local/bin/notify.sh": "#!/bin/sh\n",
      "/data/dump.rdb": "",
    };
    const text =
      'include local.conf\ndir /data\naclfile users.acl\ntls-key-file "/etc/redis/tls/a.key"\nsentinel notification-script mymaster /usr/local/bin/notify.sh\nlogfile ""';
    expect(keptFor("/etc/redis/redis.conf", text, tree, { workdir: "/srv" })).toEqual([
      "/data/users.acl",
      "/etc/redis/tls/a.key",
      "/srv/local.conf",
      "/usr/lib/redis/modules/json.so",
      "/usr/local/bin/notify.sh",
    ]);
    expect(directoriesFor("/etc/redis/redis.conf", text, tree)).toContain("/data");
  });

  it("is given its configuration as the first word", () => {
    const tree = { "/usr/bin/redis-server": program, "/app/my.conf": "aclfile /app/users", "/app/users": "" };
    const context = aPackContext(tree, { commands: [["redis-server", "my.conf", "--port", "1"]], workdir: "/app" });
    expect(keptBy(configRefs, context)).toEqual(["/app/my.conf", "/app/users"]);
  });
});

describe("PostgreSQL", () => {
  it("includes files and directories, and finds libraries, key files, lists of names and commands", () => {
    const tree = {
      "/etc/pg/more.conf":
        "shared_preload_libraries = 'pg_stat_statements, $libdir/auto_explain'\nlocal_preload_libraries = 'mine'",
      "/etc/pg/conf.d/10.conf":
        "ssl_key_file = 'server.key'   # relative to the data\narchive_command = 'gzip < %p > /a/%f'",
      "/etc/pg/conf.d/server.key": "",
      "/etc/pg/conf.d/10.conf.off": "include '/etc/pg/no.conf'",
      "/etc/pg/no.conf": "",
      "/etc/pg/pg_hba.conf": 'local all @admins trust\ninclude_dir hba.d\n# include no.conf\nhost "@users" all all md5',
      "/etc/pg/hba.d/a.conf": "",
      "/etc/pg/admins": "",
      "/etc/pg/users": "",
      "/bin/gzip": program,
      "/usr/lib/postgresql/15/lib/plpgsql.so": program,
      "/usr/lib/postgresql/15/lib/pg_stat_statements.so": program,
      "/usr/lib/postgresql/15/lib/auto_explain.so": program,
      "/usr/lib/postgresql/15/lib/other.so": program,
      "/usr/lib/postgresql/15/lib/plugins/mine.so": program,
      "/var/lib/pg/PG_VERSION": "",
    };
    const text =
      "data_directory = '/var/lib/pg'\ninclude_if_exists = 'more.conf'\ninclude_dir 'conf.d'\nhba_file = '/etc/pg/pg_hba.conf'\n#include 'no.conf'";
    const context = aPackContext(
      { ...tree, "/etc/pg/postgresql.conf": text },
      { seen: ["/etc/pg/postgresql.conf", "/etc/pg/pg_hba.conf"] },
    );
    const kept = keptBy(configRefs, context, ["/etc/pg/postgresql.conf"]);
    expect(kept.filter((path) => context.rootfs.get(path)?.type === "file")).toEqual([
      "/bin/gzip",
      "/etc/pg/admins",
      "/etc/pg/conf.d/10.conf",
      "/etc/pg/conf.d/server.key",
      "/etc/pg/hba.d/a.conf",
      "/etc/pg/more.conf",
      "/etc/pg/pg_hba.conf",
      "/etc/pg/users",
      "/usr/lib/postgresql/15/lib/auto_explain.so",
      "/usr/lib/postgresql/15/lib/pg_stat_statements.so",
      "/usr/lib/postgresql/15/lib/plugins/mine.so",
    ]);
    expect(kept).toContain("/var/lib/pg");
  });
});

it.each([
  [["postgres", "-c", "config_file=/app/pg.conf"]],
  [["postgres", "--config-file=/app/pg.conf"]],
  [["gosu", "postgres", "postgres", "--config_file=/app/pg.conf"]],
])("%j names its configuration", (command) => {
  const context = aPackContext(
    { "/app/pg.conf": "ssl_ca_file = 'ca.pem'", "/app/ca.pem": "" },
    { commands: [command] },
  );
  expect(keptBy(configRefs, context)).toEqual(["/app/ca.pem", "/app/pg.conf"]);
});

describe("supervisor", () => {
  it("keeps the programs of all of its files, started now or later", () => {
    const tree = {
      "/app/run.d/b.conf":
        "[program:b]\ncommand=env A=1 worker --x\nautostart=false\nstdout_logfile=/var/log/b/out.log",
      "/usr/bin/worker": program,
      "/usr/bin/env": program,
      "/app/bin/a": program,
      "/var/log/b": "dir",
    };
    const text = "[program:a]\ncommand=%(here)s/bin/a\n[include]\nfiles = run.d/*.conf";
    expect(keptFor("/app/supervisord.conf", text, tree)).toEqual([
      "/app/bin/a",
      "/app/run.d/b.conf",
      "/usr/bin/env",
      "/usr/bin/worker",
    ]);
    expect(directoriesFor("/app/supervisord.conf", text, tree)).toContain("/var/log/b");
  });
});
