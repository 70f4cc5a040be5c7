import { posix } from "node:path";
import type { ConfigReference, Format } from "./config-format.ts";
import { directoriesLike } from "./config-place.ts";
import { lines, statements } from "./config-syntax.ts";

type What = ConfigReference["what"];

const lighttpdModules = ["/usr/lib/lighttpd", "/usr/lib64/lighttpd", "/usr/lib/*/lighttpd", "/usr/local/lib/lighttpd"];

const lighttpdValues: readonly [RegExp, What][] = [
  [/^(server\.document-root|simple-vhost\.server-root|alias\.url|evhost\.path-pattern|server\.chroot)$/, "tree"],
  [/^(server\.(errorlog|breakagelog|pid-file|upload-dirs)|accesslog\.filename|deflate\.cache-dir)$/, "output"],
  [
    /^(ssl\.[\w-]*(file|privkey|crt|cert)|auth\.backend\.\w+\.(userfile|groupfile)|magnet\..*|rrdtool\.db-name)$/,
    undefined,
  ],
];

/** lighttpd (redmine.lighttpd.net/projects/lighttpd/wiki/Docs_Configuration): values belong to the key that was set last. */
export const lighttpd: Format = {
  name: "lighttpd",
  main: /\/lighttpd\.conf$/,
  told: { program: /^lighttpd(-angel)?$/, option: /^-f$/ },
  references(text, { base, context }) {
    const modules = directoriesLike(context, lighttpdModules);
    return lighttpdStrings(text).flatMap(({ key, inner, value }): ConfigReference[] => {
      if (key === "include") return [{ spelled: value, detail: "lighttpd include", base, what: "include" }];
      const [first = ""] = value.trim().split(/\s+/);
      if (key === "include_shell") return [{ spelled: first, detail: "lighttpd command", what: "program" }];
      if (key === "server.modules")
        return modules.map((directory) => ({ spelled: `${value}.so`, detail: "lighttpd module", base: directory }));
      if (key === "server.errorfile-prefix") return [{ spelled: `${value}*`, detail: "lighttpd error page" }];
      if (inner === "bin-path" || key === "cgi.assign")
        return first.startsWith("/") ? [{ spelled: first, detail: "lighttpd program", what: "program" }] : [];
      if (inner === "socket") return [{ spelled: value, detail: "lighttpd output", what: "output" }];
      const known = lighttpdValues.find(([keys]) => keys.test(key));
      if (!known || !value.startsWith("/")) return [];
      return [{ spelled: value.replace(/%.*$/s, ""), detail: "lighttpd file", what: known[1] }];
    });
  },
};

/** Every string of the text: the key that it is assigned to, and the string before its `=>` (in `a = ("b" => "c")`). */
function lighttpdStrings(text: string): { key: string; inner: string; value: string }[] {
  const found: { key: string; inner: string; value: string }[] = [];
  let key = "";
  let inner = "";
  for (const [, , string, arrow, name, include] of text.matchAll(
    /(#[^\n]*)|"([^"\n]*)"|(=>)|(?<![\w.-])([\w.-]{1,100})\s{0,20}(?:\+=|:=|=(?!>))|\b(include_shell|include)\b/g,
  )) {
    if (name !== undefined) [key, inner] = [name, ""];
    else if (include !== undefined) [key, inner] = [include, ""];
    else if (arrow !== undefined) inner = found.pop()?.value ?? "";
    else if (string !== undefined) found.push({ key, inner, value: string });
  }
  return found;
}

/** Words of haproxy.cfg before a path (docs.haproxy.org). */
const haproxyWords: ReadonlyMap<string, What> = new Map([
  ...pairs(
    "crt ca-file ca-verify-file crl-file lua-load lua-load-per-thread errorfile crt-list ca-ignore-err",
    undefined,
  ),
  ...pairs("server-state-file wurfl-data-file 51degrees-data-file", undefined),
  ...pairs("errorfiles chroot lua-prepend-path", "tree"),
  ...pairs("socket pidfile server-state-base", "output"),
]);

function pairs(words: string, what: What): [string, What][] {
  return words.split(" ").map((word) => [word, what]);
}

/** HAProxy. Certificates are relative to `crt-base`, authorities to `ca-base`; a directory of certificates is read whole. */
export const haproxy: Format = {
  name: "haproxy",
  main: /\/haproxy\.cfg$/,
  told: { program: /^haproxy$/, option: /^-f$/ },
  scope(texts) {
    const all = texts.flatMap(lines);
    const bases = ["crt-base", "ca-base"].flatMap((name): [string, string][] =>
      all.filter(([first]) => first === name).map(([, value = "/"]) => [name, value]),
    );
    return { variables: new Map(bases) };
  },
  references: (text, { base, variables }) =>
    lines(text).flatMap((line) =>
      line.flatMap((word, at): ConfigReference[] => {
        const map = /map\w*\((\/[^,)]+)/.exec(word)?.[1];
        if (map !== undefined) return [{ spelled: map, detail: "haproxy map" }];
        // The last argument is the file: `errorfile 503 FILE`, `-f FILE`.
        const value = word === "errorfile" ? line[at + 2] : line[at + 1];
        if (value === undefined || !(word === "-f" || haproxyWords.has(word))) return [];
        const from = variables.get(word.startsWith("ca-") ? "ca-base" : "crt-base") ?? base;
        if (word === "crt")
          return [{ spelled: value, detail: "haproxy certificates", base: from, what: "tree", keys: true }];
        const what = haproxyWords.get(word);
        const path = /^(?:unix@|abns@)?(.*)$/.exec(value)?.[1] ?? value;
        if (what === "output" && !path.startsWith("/")) return [];
        return [{ spelled: path.replace(/\?.*$/s, ""), detail: "haproxy file", base: from, what }];
      }),
    ),
};

const squidOutputs =
  /^(access_log|cache_log|cache_store_log|pid_filename|netdb_filename|coredump_dir|cache_dir|swap_state)$/;
const squidPrograms =
  /^(auth_param|external_acl_type|url_rewrite_program|store_id_program|unlinkd_program|pinger_program|diskd_program|logfile_daemon|sslcrtd_program|sslcrtvalidator_program|cache_dns_program)$/;
const squidTrees = /^(error_directory|icon_directory)$/;

/** Squid (squid-cache.org/Doc/config). A quoted path in an `acl` is a file of values. */
export const squid: Format = {
  name: "squid",
  main: /\/squid3?\.conf$/,
  told: { program: /^squid3?$/, option: /^-f$/ },
  references: (text) =>
    lines(text).flatMap(([name = "", ...values]): ConfigReference[] => {
      const named = values.flatMap((each) => /^(?:[\w-]{1,40}[:=])?(?:\w{1,20}:)?(\/.+)$/.exec(each)?.[1] ?? []);
      if (name === "include")
        return values.map((spelled) => ({ spelled, detail: "squid include", what: "include" as const }));
      if (squidTrees.test(name))
        return named.map((spelled) => ({ spelled, detail: "squid pages", what: "tree" as const }));
      if (squidOutputs.test(name))
        return named.map((spelled) => ({ spelled, detail: "squid output", what: "output" as const }));
      if (squidPrograms.test(name)) return named.map((spelled) => ({ spelled, detail: "squid program" }));
      // Patterns of URLs look like paths, and name nothing that is there.
      return named.map((spelled) => ({ spelled, detail: "squid file" }));
    }),
};

const varnishModules = [
  "/usr/lib/varnish/vmods",
  "/usr/lib64/varnish/vmods",
  "/usr/lib/*/varnish/vmods",
  "/usr/local/lib/varnish/vmods",
];

/** Varnish (varnish-cache.org/docs, vcl): includes are relative to vcl_path when they do not begin with `./`. */
export const varnish: Format = {
  name: "varnish",
  main: /\/varnish\/(?:[^/]+\/)*[^/]+\.vcl$/,
  told: { program: /^varnishd$/, option: /^-f$/ },
  references(text, { path, context }) {
    const modules = directoriesLike(context, varnishModules);
    return statements(text, { slashes: true }).flatMap((words): ConfigReference[] => {
      const [name, value = ""] = words;
      if (name === "include") {
        const bases = value.startsWith("./") ? [posix.dirname(path)] : ["/etc/varnish", "/usr/share/varnish/vcl"];
        return bases.map((base) => ({ spelled: value, detail: "varnish include", base, what: "include" }));
      }
      if (name === "import")
        return modules.map((base) => ({ spelled: `libvmod_${value}.so`, detail: "varnish module", base }));
      const read = words.findIndex((word) => /\b(fileread|blobread)\($/.test(word));
      return read < 0 ? [] : [{ spelled: words[read + 1] ?? "", detail: "varnish file" }];
    });
  },
};

const bindFiles = /^(file|cert-file|key-file|ca-file|dhparam-file|bindkeys-file|statistics-file|tkey-gssapi-keytab)$/;
const bindTrees = /^(key-directory|geoip-directory)$/;
const bindOutputs =
  /^(pid-file|session-keyfile|managed-keys-directory|dump-file|memstatistics-file|recursing-file|secroots-file|lock-file|new-zones-directory|journal)$/;
const bindPlugins = ["/usr/lib/bind", "/usr/lib64/bind", "/usr/lib/*/bind", "/usr/local/lib/bind"];

/** BIND 9's named.conf (bind9.readthedocs.io, reference): all is relative to `directory`, wherever that stands. */
export const bind: Format = {
  name: "bind",
  main: /\/named\.conf$/,
  told: { program: /^named$/, option: /^-c$/ },
  scope(texts) {
    const all = texts.flatMap((text) => statements(text, { slashes: true }));
    return { base: all.find(([name, value]) => name === "directory" && value?.startsWith("/"))?.[1] };
  },
  references: (text, { path, base, isMain, context }) =>
    statements(text, { slashes: true }).flatMap((words): ConfigReference[] => {
      const [name = "", first = ""] = words;
      // A file of a logging channel stands like one of a zone; both are kept as they are.
      const value = parts(first);
      if (name === "include")
        return [posix.dirname(path), base].map((each) => ({
          spelled: value,
          detail: "bind include",
          base: each,
          what: "include",
        }));
      if (name === "directory")
        return [{ spelled: value, detail: "bind output", base: isMain ? "/" : base, what: "output" }];
      if (bindFiles.test(name)) return zoneFile(value, base);
      if (bindTrees.test(name)) return [{ spelled: value, detail: "bind keys", base, what: "tree", keys: true }];
      if (bindOutputs.test(name)) return [{ spelled: value, detail: "bind output", base, what: "output" }];
      if (name !== "plugin") return [];
      const library = words.find((word) => word.endsWith(".so")) ?? "";
      return directoriesLike(context, bindPlugins).map((each) => ({
        spelled: library,
        detail: "bind plugin",
        base: each,
      }));
    }),
};

const parts = (word: string) => word.replace(/^["']|["']$/g, "");

/** A zone's file, its journal and signed twin, and where it is written. */
function zoneFile(spelled: string, base: string): ConfigReference[] {
  return [
    { spelled, detail: "bind file", base },
    { spelled: `${spelled}.jnl`, detail: "bind file", base },
    { spelled: `${spelled}.signed`, detail: "bind file", base },
    { spelled, detail: "bind output", base, what: "output" },
  ];
}
