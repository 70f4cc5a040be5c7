import { expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { configRefs } from "./config-refs.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const program = Buffer.from("\x7fELF");

function keptFor(
  main: string,
  tree: Tree,
  given: { seen?: string[]; application?: string[] } = { seen: [main] },
): string[] {
  return keptBy(configRefs, aPackContext(tree, given), [main]);
}

it("openssl.cnf: includes at any depth, engines by name and by path, modules, also when only a rule keeps it", () => {
  const main = "/etc/ssl/openssl.cnf";
  const tree = {
    [main]: `openssl_conf = init
      conf = /etc/ssl/conf
      .include $conf/a.cnf
      .include = more.d
      [init]
      engines = list
      [ list ]
      pkcs11 = pkcs11_section
      # other = x
      [pkcs11_section]
      dynamic_path = /opt/lib/pkcs11.so`,
    "/etc/ssl/conf/a.cnf": "[sect]\nmodule = /opt/lib/hsm.so\n.include /etc/ssl/conf/b.cnf",
    "/etc/ssl/conf/b.cnf": "engine_id = afalg",
    "/etc/ssl/more.d/c.cnf": "",
    "/etc/ssl/more.d/c.txt": "",
    "/opt/lib/pkcs11.so": program,
    "/opt/lib/hsm.so": program,
    "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so": program,
    "/usr/lib/x86_64-linux-gnu/engines-3/afalg.so": program,
    "/usr/lib/x86_64-linux-gnu/engines-3/other.so": program,
  };
  expect(keptFor(main, tree, {})).toEqual([
    "/etc/ssl/conf/a.cnf",
    "/etc/ssl/conf/b.cnf",
    "/etc/ssl/more.d",
    "/etc/ssl/more.d/c.cnf",
    "/opt/lib/hsm.so",
    "/opt/lib/pkcs11.so",
    "/usr/lib/x86_64-linux-gnu/engines-3/afalg.so",
    "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so",
  ]);
});

it("ld.so.conf: what it includes, and nothing that these name", () => {
  const tree = {
    "/etc/ld.so.conf": "# include /etc/no.conf\ninclude /etc/ld.so.conf.d/*.conf ld.more\n/opt/lib",
    "/etc/ld.so.conf.d/libc.conf": "/usr/local/lib",
    "/etc/ld.so.conf.d/README": "",
    "/etc/ld.more": "",
    "/etc/no.conf": "",
    "/opt/lib/x.so": program,
  };
  expect(keptFor("/etc/ld.so.conf", tree, {})).toEqual(["/etc/ld.more", "/etc/ld.so.conf.d/libc.conf"]);
});

it("rsyslog: includes and modules of both forms, and where it writes", () => {
  const tree = {
    "/etc/rsyslog.conf":
      'module(load="imuxsock") # module(load="no")\n$ModLoad imudp\n#$ModLoad no\n$IncludeConfig /etc/rsyslog.d/*.conf\ninclude(file="/srv/log.conf" mode="optional")\nauth,authpriv.*\t-/var/log/deep/auth.log\n',
    "/etc/rsyslog.d/a.conf": 'action(type="omkafka" topic="x")',
    "/srv/log.conf": "$WorkDirectory /var/spool/rsyslog",
    ...Object.fromEntries(
      ["imuxsock", "imudp", "omkafka", "other"].map((name) => [
        `/usr/lib/x86_64-linux-gnu/rsyslog/${name}.so`,
        program,
      ]),
    ),
    "/var/spool/rsyslog": "dir",
    "/var/log/deep": "dir",
  };
  expect(keptFor("/etc/rsyslog.conf", tree)).toEqual([
    "/etc/rsyslog.d/a.conf",
    "/srv/log.conf",
    "/usr/lib/x86_64-linux-gnu/rsyslog/imudp.so",
    "/usr/lib/x86_64-linux-gnu/rsyslog/imuxsock.so",
    "/usr/lib/x86_64-linux-gnu/rsyslog/omkafka.so",
    "/var/log/deep",
    "/var/spool",
    "/var/spool/rsyslog",
  ]);
});

it.each<[string, string]>([
  ["logging.ini", "[handler_file]\nclass=handlers.RotatingFileHandler\nargs=('/srv/log/app.log', 'a')"],
  ["logging.yaml", "handlers:\n  file:\n    filename: /srv/log/app.log"],
  ["log4j2.xml", '<RollingFile name="f" fileName="/srv/log/app.log" filePattern="/srv/log/app-%d.log">'],
  ["log4j.properties", "log4j.appender.f.File=/srv/log/app.log"],
  ["logback.xml", '<include file="/app/more.xml"/><appender><file>/srv/log/app.log</file></appender>'],
])("%s: the directory of the log is kept, and no old log", (name, text) => {
  const tree = {
    [`/app/${name}`]: text,
    "/srv/log/old.log": "",
    "/app/more.xml": "<file>/var/log/more/x</file>",
    "/var/log/more": "dir",
  };
  const kept = keptFor(`/app/${name}`, tree, { application: ["/app"] });
  expect(kept).toEqual(name === "logback.xml" ? ["/app/more.xml", "/srv/log", "/var/log/more"] : ["/srv/log"]);
});
