import { posix } from "node:path";
import type { ConfigFile, ConfigReference, Format } from "./config-format.ts";
import { lines, statements } from "./config-syntax.ts";
import { directoryAt } from "./gather.ts";
import { readText } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";

const nginxFiles =
  /^(ssl_certificate|ssl_certificate_key|ssl_trusted_certificate|ssl_client_certificate|ssl_crl|ssl_dhparam|ssl_password_file|ssl_session_ticket_key|auth_basic_user_file|(proxy|grpc|uwsgi)_ssl_(certificate|certificate_key|trusted_certificate|password_file|crl)|geoip_country|geoip_city|geoip2|js_import|js_include|perl_require|xslt_stylesheet|xml_entities|auth_jwt_key_file|modsecurity_rules_file|lua_ssl_trusted_certificate|(init|content|access|rewrite|set|header_filter|body_filter|log)\w*_by_lua_file|passenger_ruby)$/;
const nginxTrees = /^(root|alias|js_path|perl_modules|passenger_root|passenger_app_root)$/;
const nginxOutputs = /^(access_log|error_log|pid|lock_file|\w+_temp_path|\w+_cache_path|upload_store)$/;
const notPaths = /^(off|stderr|(syslog|memory|data|engine|store):.*)$/;

/** Prefixes of builds of nginx, to which roots and modules are relative: of which the image knows nothing. */
const nginxPrefixes = [
  "/usr/share/nginx",
  "/usr/lib/nginx",
  "/usr/lib64/nginx",
  "/usr/local/nginx",
  "/usr/local/openresty/nginx",
  "/etc/nginx",
  "/var/lib/nginx",
];

/** nginx (nginx.org/en/docs/ngx_core_module.html and its neighbours). Includes and certificates are relative to nginx.conf. */
export const nginx: Format = {
  name: "nginx",
  main: /\/nginx\.conf$/,
  told: { program: /^(nginx|openresty|angie|freenginx)(-debug)?$/, option: /^-c$/ },
  references(text, { base, isMain }) {
    const prefixes = [...new Set([base, ...nginxPrefixes])];
    // A server without a root of its own sends what is here.
    const found: ConfigReference[] = isMain ? ofPrefixes("html", "nginx root", prefixes, "tree") : [];
    for (const [name = "", ...values] of statements(text, { slashes: false })) {
      const [value = ""] = values;
      if (value === "" || notPaths.test(value)) continue;
      if (name === "include") found.push({ spelled: value, detail: "nginx include", base, what: "include" });
      else if (nginxTrees.test(name)) found.push(...ofPrefixes(literal(value), "nginx root", prefixes, "tree"));
      else if (name === "load_module" || nginxFiles.test(name))
        found.push(...ofPrefixes((name === "js_import" && values.at(-1)) || value, "nginx file", prefixes));
      else if (nginxOutputs.test(name))
        found.push(...ofPrefixes(value, "nginx output", prefixes.slice(0, 1), "output"));
      else if (name === "lua_package_path") for (const tree of luaTrees(value)) found.push(tree);
      const socket = /(?:^|\/\/)unix:([^:]+)/.exec(value)?.[1];
      if (socket?.startsWith("/")) found.push({ spelled: socket, detail: "nginx socket", what: "output" });
    }
    return found;
  },
};

function ofPrefixes(
  spelled: string,
  detail: string,
  prefixes: readonly string[],
  what?: ConfigReference["what"],
): ConfigReference[] {
  return spelled.startsWith("/")
    ? [{ spelled, detail, what }]
    : prefixes.map((base) => ({ spelled, detail, base, what }));
}

/** `/opt/lib/?.lua;;`: the directories that modules are looked for in. */
function luaTrees(value: string): ConfigReference[] {
  const directories = value.split(";").map((each) => each.replace(/\?.*$/s, ""));
  return directories
    .filter((spelled) => /^\/./.test(spelled))
    .map((spelled) => ({ spelled, detail: "lua modules", what: "tree" }));
}

/** What stands before the first variable (`$host`, `%0`), down to a directory. */
function literal(value: string): string {
  const at = value.search(/[$%]/);
  return at < 0 ? value : value.slice(0, value.lastIndexOf("/", at) + 1);
}

const words = (text: string) => new Set(text.split(" "));

const apacheFiles = words(
  "loadfile typesconfig mimemagicfile sslcertificatefile sslcertificatekeyfile sslcertificatechainfile sslcacertificatefile sslcadnrequestfile sslcarevocationfile sslocspresponsecertificatefile sslproxymachinecertificatefile sslproxycacertificatefile sslproxycarevocationfile sslsessionticketkeyfile ssluseopensslconfcmd authuserfile authgroupfile authdigestfile authdbmuserfile wsgiimportscript wsgidispatchscript wsgiauthuserscript fcgidwrapper luamaphandler rewritemap secrulesfile passengerruby passengerdefaultruby",
);
const apacheTrees = words(
  "documentroot virtualdocumentroot virtualscriptalias sslcacertificatepath sslproxycacertificatepath luaroot passengerroot passengerapproot phpinidir",
);
const apacheAliases = words("alias aliasmatch scriptalias scriptaliasmatch wsgiscriptalias wsgiscriptaliasmatch");
const apacheOutputs = words(
  "errorlog customlog transferlog globallog forensiclog pidfile lockfile scoreboardfile scriptlog scriptsock coredumpdirectory davlockdb cacheroot fcgidipcdir fcgidprocesstablefile mutex defaultruntimedir mdstoredir",
);

const serverRoots = ["/etc/apache2", "/etc/httpd", "/usr/local/apache2"];

/** Apache (httpd.apache.org/docs/2.4/mod/directives.html), with the variables of its `Define`s and its envvars. Every branch counts. */
export const apache: Format = {
  name: "apache",
  main: /\/(apache2|httpd)\.conf$/,
  told: { program: /^(apache2|httpd|apachectl|apache2ctl)$/, option: /^-f$/ },
  scope(texts, main, context) {
    const root = texts.flatMap((text) => /^[ \t]*ServerRoot[ \t]+"?([^"\s$]+)/im.exec(text)?.[1] ?? []).at(-1);
    const base = root ?? serverRoots.find((each) => main.startsWith(`${each}/`)) ?? posix.dirname(main);
    return { base, variables: apacheVariables(texts, base, context) };
  },
  references(text, file) {
    const { base, variables } = file;
    const known = text.replace(/\$\{(\w{1,80})\}/g, (whole, name: string) => variables.get(name) ?? whole);
    const found: ConfigReference[] = file.isMain ? [{ spelled: "envvars", detail: "apache variables", base }] : [];
    for (const [name = "", ...values] of lines(known))
      for (const each of directive(name.toLowerCase(), values, file)) found.push(each);
    return found.filter(({ spelled }) => !spelled.includes("${"));
  },
};

function directive(name: string, values: readonly string[], { base, context }: ConfigFile): ConfigReference[] {
  const [first = "", second = ""] = values;
  const named = (spelled: string, detail: string, what?: ConfigReference["what"]) => [{ spelled, detail, base, what }];
  if (name === "include" || name === "includeoptional") {
    // A directory stands for all files in it and below.
    const isDirectory = directoryAt(context, posix.resolve("/", base, first)) !== undefined;
    const all = isDirectory ? ["*", "*/*", "*/*/*"].map((each) => `${first}/${each}`) : [first];
    return all.flatMap((each) => named(each, "apache include", "include"));
  }
  if (name === "loadmodule") return named(second, "apache module");
  if (name === "loadfile") return values.flatMap((each) => named(each, "apache module"));
  if (apacheTrees.has(name)) return named(literal(first), "apache root", "tree");
  if (apacheAliases.has(name)) return named(literal(second), "apache alias", "tree");
  if (name === "action") return named(second.startsWith("/") ? second : "", "apache file");
  if (apacheFiles.has(name)) {
    const paths = values.map((each) => each.replace(/^(txt|rnd|dbm(=\w+)?|prg):/, ""));
    return paths.filter((each) => each.includes("/")).flatMap((each) => named(each, "apache file"));
  }
  return apacheOutputs.has(name) ? output(first, base) : [];
}

/** A file, a socket, or a program that gets the lines: `|/usr/bin/rotatelogs -l /var/log/x 86400`. */
function output(value: string, base: string): ConfigReference[] {
  const program = /^\|[|$]?\s*(\S+)(.*)$/s.exec(value);
  if (!program) {
    const spelled = value.replace(/^(file|fcntl|flock|sem|pthread):/, "");
    return /[/.]/.test(spelled) ? [{ spelled, detail: "apache output", base, what: "output" }] : [];
  }
  const [, name = "", rest = ""] = program;
  const files = rest.split(/\s+/).filter((each) => each.startsWith("/"));
  return [
    { spelled: name, detail: "apache log program", base, what: "program" },
    ...files.map((spelled): ConfigReference => ({ spelled, detail: "apache output", what: "output" })),
  ];
}

/** `Define NAME VALUE`, and `export APACHE_LOG_DIR=/var/log/apache2$SUFFIX` of Debian's envvars. */
function apacheVariables(texts: readonly string[], base: string, context: PackContext): Map<string, string> {
  const envvars = readText(context, posix.join("/", base, "envvars"), 1 << 16) ?? "";
  const assigned = envvars.matchAll(/^[ \t]*(?:export[ \t]+)?(\w{1,80})=["']?([^"'\s#]*)/gm);
  const defined = texts.flatMap((text) => [...text.matchAll(/^[ \t]*Define[ \t]+(\w{1,80})[ \t]+["']?([^"'\s]+)/gim)]);
  return new Map(
    [...assigned, ...defined].map(([, name = "", value = ""]) => [name, value.replace(/\$\{?SUFFIX\}?/g, "")]),
  );
}
