import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { configRefs } from "./config-refs.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

/** What a configuration that was read keeps besides itself. */
function keptFor(main: string, tree: Tree, seen: readonly string[] = [main]): string[] {
  return keptBy(configRefs, aPackContext(tree, { seen }), [main]);
}

const program = Buffer.from("\x7fELF");

describe("nginx", () => {
  const main = "/etc/nginx/nginx.conf";

  it("is followed as Debian installs it: modules, sites, snippets, mime types, certificates, temporary directories", () => {
    const tree = {
      [main]: `user www-data;
        include /etc/nginx/modules-enabled/*.conf;
        http { include mime.types; access_log /var/log/nginx/access.log; client_body_temp_path /var/lib/nginx/body;
          include /etc/nginx/conf.d/*.conf; include /etc/nginx/sites-enabled/*; }`,
      "/etc/nginx/mime.types": "types { text/html html; }",
      "/etc/nginx/modules-enabled/50-geo.conf": "-> /usr/share/nginx/modules-available/geo.conf",
      "/usr/share/nginx/modules-available/geo.conf": "load_module modules/ngx_http_geoip_module.so;",
      "/usr/lib/nginx/modules/ngx_http_geoip_module.so": program,
      "/usr/lib/nginx/modules/ngx_stream_module.so": program,
      "/usr/share/nginx/modules": "-> ../../lib/nginx/modules",
      "/etc/nginx/sites-available/shop": `server { listen 443 ssl; root /srv/shop/public; error_page 404 /404.html;
        include snippets/tls.conf; location /old/ { alias "/srv/old site/$1"; }
        location ~ \\.php$ { fastcgi_pass unix:/run/php/fpm.sock; } auth_basic_user_file users; }`,
      "/etc/nginx/sites-available/unused": "server { root /srv/unused; }",
      "/etc/nginx/sites-enabled/shop": "-> ../sites-available/shop",
      "/etc/nginx/snippets/tls.conf":
        "ssl_certificate /etc/ssl/shop.pem; ssl_certificate_key /etc/ssl/private/shop.key;",
      "/etc/nginx/users": "a:b",
      "/etc/ssl/shop.pem": "",
      "/etc/ssl/private/shop.key": "",
      "/etc/ssl/private/other.key": "",
      "/run/php": "dir",
      "/srv/shop/public/index.html": "",
      "/srv/shop/public/404.html": "",
      "/srv/shop/public/.git/HEAD": "",
      "/srv/shop/private.txt": "",
      "/srv/old site/a.html": "",
      "/srv/unused/a.html": "",
      "/var/lib/nginx/body": "dir",
      "/var/log/nginx/access.log": "-> /dev/stdout",
      "/var/log/nginx/error.log": "-> /dev/stderr",
    };
    expect(keptFor(main, tree).filter((path) => !path.startsWith("/var"))).toEqual([
      "/etc/nginx/mime.types",
      "/etc/nginx/modules-enabled/50-geo.conf",
      "/etc/nginx/sites-available/shop",
      "/etc/nginx/sites-enabled/shop",
      "/etc/nginx/snippets/tls.conf",
      "/etc/nginx/users",
      "/etc/ssl/private/shop.key",
      "/etc/ssl/shop.pem",
      "/run/php",
      "/srv/old site",
      "/srv/old site/a.html",
      "/srv/shop/public",
      "/srv/shop/public/404.html",
      "/srv/shop/public/index.html",
      "/usr/lib/nginx/modules/ngx_http_geoip_module.so",
      "/usr/share/nginx/modules",
      "/usr/share/nginx/modules-available/geo.conf",
    ]);
    expect(keptFor(main, tree)).toEqual(
      expect.arrayContaining(["/var/lib/nginx", "/var/lib/nginx/body", "/var/log/nginx/access.log"]),
    );
  });

  it("keeps the pages of a server without a root, and roots relative to the build's prefix", () => {
    const tree = {
      "/usr/local/nginx/conf/nginx.conf": "http { server { location /a { root site; } } }",
      "/usr/local/nginx/html/50x.html": "",
      "/usr/local/nginx/site/a/index.html": "",
      "/usr/local/nginx/other/x": "",
    };
    expect(keptFor("/usr/local/nginx/conf/nginx.conf", tree)).toEqual([
      "/usr/local/nginx/html",
      "/usr/local/nginx/html/50x.html",
      "/usr/local/nginx/site",
      "/usr/local/nginx/site/a/index.html",
    ]);
  });

  it("takes of a root with a variable what stands before it, never a system directory, and never what is no path", () => {
    const tree = {
      [main]: `http { server { root /srv/hosts/$host/www; } server { root /usr/share/doc; } server { root /; }
        access_log off; error_log stderr; access_log syslog:server=a; ssl_certificate data:$x; # root /srv/comment;
        log_format x '{"a": "; root /srv/quoted;"}'; }`,
      "/srv/hosts/a/www/index.html": "",
      "/srv/comment/x": "",
      "/srv/quoted/x": "",
      "/usr/share/doc/x": "",
      "/bin/sh": program,
    };
    expect(keptFor(main, tree)).toEqual(["/srv/hosts", "/srv/hosts/a/www/index.html"]);
  });

  it("keeps a large site, and none that is larger than any site", () => {
    const tree = { [main]: "root /srv/www;", "/srv/www/film.mp4": "" };
    const sized = (size: number) =>
      keptBy(configRefs, aPackContext(tree, { seen: [main], entries: { "/srv/www/film.mp4": { size } } }), [main]);
    expect(sized(200 << 20)).toContain("/srv/www/film.mp4");
    expect(sized(300 << 20)).not.toContain("/srv/www/film.mp4");
  });
});

describe("apache", () => {
  const main = "/etc/apache2/apache2.conf";
  const tree = {
    [main]: `DefaultRuntimeDir \${APACHE_RUN_DIR}
      PidFile \${APACHE_PID_FILE}
      ErrorLog \${APACHE_LOG_DIR}/error.log
      IncludeOptional mods-enabled/*.load
      IncludeOptional mods-enabled/*.conf
      Include ports.conf
      <Directory />
        Require all denied
      </Directory>
      <Directory /srv/denied/>
      </Directory>
      IncludeOptional sites-enabled/*.conf`,
    "/etc/apache2/envvars":
      "export APACHE_RUN_DIR=/var/run/apache2$SUFFIX\nexport APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid\nexport APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n",
    "/etc/apache2/ports.conf": "Listen 80",
    "/etc/apache2/mods-enabled/mime.load": "-> ../mods-available/mime.load",
    "/etc/apache2/mods-enabled/mime.conf": "-> ../mods-available/mime.conf",
    "/etc/apache2/mods-available/mime.load": "LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so",
    "/etc/apache2/mods-available/mime.conf": "<IfModule mod_mime.c>\n TypesConfig /etc/mime.types\n</IfModule>",
    "/etc/apache2/mods-available/dav.load": "LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so",
    "/etc/apache2/sites-enabled/shop.conf": "-> /etc/apache2/sites-available/shop.conf",
    "/etc/apache2/sites-available/shop.conf": `<VirtualHost *:80>
      Define root /srv/shop
      DocumentRoot "\${root}/public"
      alias /icons/ /srv/icons/
      ErrorDocument 404 /missing.html
      ScriptAlias /cgi/ /srv/cgi/
      WSGIScriptAlias /app /srv/app/main.wsgi
      CustomLog "|/usr/bin/rotatelogs /var/log/shop/access.log 86400" combined
      SSLCertificateFile conf/shop.pem
      DocumentRoot \${unknown}/x
      </VirtualHost>`,
    "/etc/apache2/conf/shop.pem": "",
    "/etc/mime.types": "",
    "/usr/lib/apache2/modules/mod_mime.so": program,
    "/usr/lib/apache2/modules/mod_dav.so": program,
    "/usr/bin/rotatelogs": program,
    "/srv/shop/public/missing.html": "",
    "/srv/shop/secret.txt": "",
    "/srv/icons/a.png": "",
    "/srv/cgi/run.sh": "#!/bin/sh\n",
    "/srv/app/main.wsgi": "",
    "/srv/app/other.py": "",
    "/srv/denied/x": "",
    "/var/log/apache2/old.log": "",
    "/var/log/shop": "dir",
    "/run/apache2": "dir",
    "/var/run": "-> /run",
  };

  it("is followed as Debian installs it: what is enabled, envvars, modules, roots, aliases, error pages, log programs", () => {
    expect(keptFor(main, tree)).toEqual([
      "/etc/apache2/conf/shop.pem",
      "/etc/apache2/envvars",
      "/etc/apache2/mods-available/mime.conf",
      "/etc/apache2/mods-available/mime.load",
      "/etc/apache2/mods-enabled/mime.conf",
      "/etc/apache2/mods-enabled/mime.load",
      "/etc/apache2/ports.conf",
      "/etc/apache2/sites-available/shop.conf",
      "/etc/apache2/sites-enabled/shop.conf",
      "/etc/mime.types",
      "/run",
      "/run/apache2",
      "/srv/app/main.wsgi",
      "/srv/cgi",
      "/srv/cgi/run.sh",
      "/srv/icons",
      "/srv/icons/a.png",
      "/srv/shop/public",
      "/srv/shop/public/missing.html",
      "/usr/bin/rotatelogs",
      "/usr/lib/apache2/modules/mod_mime.so",
      "/var/log/apache2",
      "/var/log/shop",
      "/var/run",
    ]);
  });

  it("resolves to ServerRoot, and takes an included directory for all that is below it", () => {
    const other = {
      "/usr/local/apache2/conf/httpd.conf": `ServerRoot "/usr/local/apache2"
        LoadModule mpm_event_module modules/mod_mpm_event.so
        Include conf/extra
        DocumentRoot "/usr/local/apache2/htdocs"`,
      "/usr/local/apache2/conf/extra/ssl/a.conf": "TypesConfig conf/mime.types",
      "/usr/local/apache2/conf/mime.types": "",
      "/usr/local/apache2/htdocs/index.html": "",
      "/usr/local/apache2/modules/mod_mpm_event.so": program,
      "/usr/local/apache2/modules/mod_lua.so": program,
    };
    expect(keptFor("/usr/local/apache2/conf/httpd.conf", other)).toEqual([
      "/usr/local/apache2/conf/extra/ssl",
      "/usr/local/apache2/conf/extra/ssl/a.conf",
      "/usr/local/apache2/conf/mime.types",
      "/usr/local/apache2/htdocs",
      "/usr/local/apache2/htdocs/index.html",
      "/usr/local/apache2/modules/mod_mpm_event.so",
    ]);
  });
});
