import { expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { configRefs } from "./config-refs.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const program = Buffer.from("\x7fELF");

/** What a configuration that was read keeps besides itself; directories end with a slash. */
function keptFor(main: string, tree: Tree): string[] {
  const context = aPackContext(tree, { seen: [main] });
  const isDirectory = (path: string) => context.rootfs.get(path)?.type === "directory";
  return keptBy(configRefs, context, [main]).map((path) => (isDirectory(path) ? `${path}/` : path));
}

it("lighttpd: includes, modules, roots, aliases, error pages, the commands that it runs and its CGI programs", () => {
  const tree = {
    "/etc/lighttpd/lighttpd.conf": `server.modules = ( "mod_alias", # "mod_no"
        "mod_cgi" )
      server.document-root = "/srv/www"   server.errorlog = "/var/log/lighttpd/error.log"
      server.errorfile-prefix = "/srv/errors/status-"
      include_shell "/usr/share/lighttpd/create-mime.pl " + server.port
      include "conf-enabled/*.conf"`,
    "/etc/lighttpd/conf-enabled/10.conf": "-> ../conf-available/10.conf",
    "/etc/lighttpd/conf-available/10.conf":
      '$HTTP["url"] =~ "^/x" { cgi.assign = ( ".pl" => "/usr/bin/perl" ) }\nalias.url += ( "/doc/" => "/srv/doc/" )\nfastcgi.server = ( ".php" => (( "bin-path" => "/usr/bin/php-cgi -q", "socket" => "/run/l/php.sock" )) )\nssl.pemfile = "/etc/lighttpd/site.pem"',
    "/etc/lighttpd/site.pem": "",
    "/usr/lib/lighttpd/mod_alias.so": program,
    "/usr/lib/lighttpd/mod_cgi.so": program,
    "/usr/lib/lighttpd/mod_no.so": program,
    "/usr/share/lighttpd/create-mime.pl": "#!/usr/bin/perl\n",
    "/usr/bin/perl": program,
    "/usr/bin/php-cgi": program,
    "/srv/www/a.html": "",
    "/srv/doc/b.html": "",
    "/srv/errors/status-404.html": "",
    "/srv/errors/other.html": "",
    "/run/l": "dir",
    "/var/log/lighttpd": "dir",
  };
  expect(keptFor("/etc/lighttpd/lighttpd.conf", tree)).toEqual([
    "/etc/lighttpd/conf-available/10.conf",
    "/etc/lighttpd/conf-enabled/10.conf",
    "/etc/lighttpd/site.pem",
    "/run/l/",
    "/srv/doc/",
    "/srv/doc/b.html",
    "/srv/errors/status-404.html",
    "/srv/www/",
    "/srv/www/a.html",
    "/usr/bin/perl",
    "/usr/bin/php-cgi",
    "/usr/lib/lighttpd/mod_alias.so",
    "/usr/lib/lighttpd/mod_cgi.so",
    "/usr/share/lighttpd/create-mime.pl",
    "/var/log/lighttpd/",
  ]);
});

it("HAProxy: error files, certificates below their base with the keys in them, lists, maps, scripts, sockets", () => {
  const tree = {
    "/etc/haproxy/haproxy.cfg": `global
      chroot /var/lib/haproxy
      stats socket /run/haproxy/admin.sock mode 660
      crt-base /etc/certs
      lua-load /etc/haproxy/a.lua
    frontend f
      bind :443 ssl crt site.pem crt more/ ca-file /etc/certs/ca.pem
      acl blocked src -f /etc/haproxy/blocked.lst
      use_backend %[req.hdr(host),lower,map(/etc/haproxy/hosts.map,b)]
      errorfile 503 /etc/haproxy/errors/503.http # errorfile 500 /etc/haproxy/errors/500.http
      http-request deny if { path /etc/haproxy/no }`,
    "/etc/haproxy/a.lua": "",
    "/etc/haproxy/no": "",
    "/etc/haproxy/blocked.lst": "",
    "/etc/haproxy/hosts.map": "",
    "/etc/haproxy/errors/503.http": "",
    "/etc/haproxy/errors/500.http": "",
    "/etc/certs/site.pem": "",
    "/etc/certs/other.pem": "",
    "/etc/certs/ca.pem": "",
    "/etc/certs/more/a.pem": "",
    "/etc/certs/more/a.pem.key": "",
    "/run/haproxy": "dir",
    "/var/lib/haproxy": "dir",
  };
  expect(keptFor("/etc/haproxy/haproxy.cfg", tree)).toEqual([
    "/etc/certs/ca.pem",
    "/etc/certs/more/",
    "/etc/certs/more/a.pem",
    "/etc/certs/more/a.pem.key",
    "/etc/certs/site.pem",
    "/etc/haproxy/a.lua",
    "/etc/haproxy/blocked.lst",
    "/etc/haproxy/errors/503.http",
    "/etc/haproxy/hosts.map",
    "/run/haproxy/",
    "/var/lib/haproxy/",
  ]);
});

it("Squid: includes, error pages, helpers with their files, lists of an acl, the cache's directory", () => {
  const tree = {
    "/etc/squid/squid.conf": `include /etc/squid/conf.d/*.conf
      error_directory /usr/share/squid/errors/en
      auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/users
      cache_dir ufs /var/spool/squid 100 16 256
      access_log daemon:/var/log/squid/access.log squid`,
    "/etc/squid/conf.d/a.conf": 'acl bad dstdomain "/etc/squid/bad.txt"\nacl p urlpath_regex ^/etc/squid/no',
    "/etc/squid/bad.txt": "",
    "/etc/squid/no": "",
    "/etc/squid/users": "",
    "/usr/lib/squid/basic_ncsa_auth": program,
    "/usr/lib/squid/basic_db_auth": program,
    "/usr/share/squid/errors/en/ERR": "",
    "/usr/share/squid/errors/de/ERR": "",
    "/var/log/squid": "dir",
    "/var/spool/squid": "dir",
  };
  expect(keptFor("/etc/squid/squid.conf", tree)).toEqual([
    "/etc/squid/bad.txt",
    "/etc/squid/conf.d/a.conf",
    "/etc/squid/users",
    "/usr/lib/squid/basic_ncsa_auth",
    "/usr/share/squid/errors/en/",
    "/usr/share/squid/errors/en/ERR",
    "/var/log/squid/",
    "/var/spool/",
    "/var/spool/squid/",
  ]);
});

it("Varnish: includes beside it and below /etc/varnish, modules that are imported, files that it reads", () => {
  const tree = {
    "/etc/varnish/default.vcl": `vcl 4.1; import std; // import no;
      include "sub/a.vcl"; include "./b.vcl"; /* include "c.vcl"; */
      sub vcl_synth { synthetic(std.fileread("/srv/error.html")); }`,
    "/etc/varnish/sub/a.vcl": "import directors;",
    "/etc/varnish/b.vcl": "",
    "/etc/varnish/c.vcl": "",
    "/srv/error.html": "",
    "/usr/lib/x86_64-linux-gnu/varnish/vmods/libvmod_std.so": program,
    "/usr/lib/x86_64-linux-gnu/varnish/vmods/libvmod_directors.so": program,
    "/usr/lib/x86_64-linux-gnu/varnish/vmods/libvmod_no.so": program,
  };
  expect(keptFor("/etc/varnish/default.vcl", tree)).toEqual([
    "/etc/varnish/b.vcl",
    "/etc/varnish/sub/a.vcl",
    "/srv/error.html",
    "/usr/lib/x86_64-linux-gnu/varnish/vmods/libvmod_directors.so",
    "/usr/lib/x86_64-linux-gnu/varnish/vmods/libvmod_std.so",
  ]);
});

it("BIND: includes, zones relative to `directory` wherever that stands, plug-ins, keys that are named", () => {
  const tree = {
    "/etc/bind/named.conf":
      'include "/etc/bind/named.conf.options";\ninclude "/etc/bind/zones.conf"; // include "/etc/no";',
    "/etc/bind/named.conf.options": 'options { directory "/var/cache/bind"; pid-file "/run/named/named.pid"; };',
    "/etc/bind/zones.conf": `zone "a.test" { type primary; file "a.zone"; };
      # zone "no" { file "no.zone"; };
      zone "b.test" IN { file "/etc/bind/b.zone"; };
      plugin query "filter-aaaa.so" { };
      include "keys/rndc.key";`,
    "/etc/bind/keys/rndc.key": 'key "k" { secret "x"; };',
    "/etc/bind/keys/other.key": "",
    "/etc/bind/b.zone": "",
    "/etc/no": "",
    "/var/cache/bind/a.zone": "",
    "/var/cache/bind/a.zone.jnl": "",
    "/var/cache/bind/no.zone": "",
    "/usr/lib/x86_64-linux-gnu/bind/filter-aaaa.so": program,
    "/run/named": "dir",
  };
  expect(keptFor("/etc/bind/named.conf", tree)).toEqual([
    "/etc/bind/b.zone",
    "/etc/bind/keys/rndc.key",
    "/etc/bind/named.conf.options",
    "/etc/bind/zones.conf",
    "/run/named/",
    "/usr/lib/x86_64-linux-gnu/bind/filter-aaaa.so",
    "/var/cache/",
    "/var/cache/bind/",
    "/var/cache/bind/a.zone",
    "/var/cache/bind/a.zone.jnl",
  ]);
});
