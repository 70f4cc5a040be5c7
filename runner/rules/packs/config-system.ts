import { posix } from "node:path";
import type { ConfigReference, Format } from "./config-format.ts";
import { directoriesLike } from "./config-place.ts";
import { settings } from "./config-syntax.ts";

const engineDirectories = [
  "/usr/lib/engines-*",
  "/usr/lib64/engines-*",
  "/usr/lib/*/engines-*",
  "/usr/local/lib/engines-*",
  "/usr/local/lib64/engines-*",
];

/**
 * openssl.cnf (config(5)), at every path that a rule keeps or a program reads: `.include` of files and directories, engines by
 * name, modules by path. The pack for TLS keeps the file itself and the providers of the usual directory.
 */
export const openssl: Format = {
  name: "openssl",
  main: /\/openssl[^/]*\.cnf$|\/openssl\.conf$/,
  isQuiet: true,
  told: { program: /^openssl$/, option: /^-config$/ },
  scope(texts) {
    const all = texts.flatMap((text) => settings(text, "#"));
    return { variables: new Map(all.filter(([name]) => /^[\w.]{1,80}$/.test(name))) };
  },
  references(text, { base, variables, context }) {
    const engines = directoriesLike(context, engineDirectories);
    const engineNames = namedIn(text, variables.get("engines") ?? "");
    const own = settings(text, "#").flatMap(([name, raw]): ConfigReference[] => {
      const value = raw.replace(
        /\$\{?(\w{1,80})\}?/g,
        (whole, each: string) => variables.get(each.toLowerCase()) ?? whole,
      );
      if (name === ".include") {
        const all = [value, posix.join(value, "*.cnf"), posix.join(value, "*.conf")];
        return all.map((spelled) => ({ spelled, detail: "openssl include", base, what: "include" }));
      }
      if (name === "dynamic_path" || (name === "module" && value.includes("/")))
        return [{ spelled: value, detail: "openssl module" }];
      if (name === "engine_id")
        return engines.map((each) => ({ spelled: `${value}.so`, detail: "openssl engine", base: each }));
      return /^(oid_file|module_path|pin_file)$/.test(name) && value.startsWith("/")
        ? [{ spelled: value, detail: "openssl file" }]
        : [];
    });
    const named = engineNames.flatMap((name) =>
      engines.map((each): ConfigReference => ({ spelled: `${name}.so`, detail: "openssl engine", base: each })),
    );
    return [...own, ...named];
  },
};

/** The names that a section assigns: of `engines = list`, each is an engine. */
function namedIn(text: string, section: string): string[] {
  if (section === "") return [];
  const at = text.split(/^[ \t]*\[/m).find((each) => /^\s*([\w.-]*)/.exec(each)?.[1] === section);
  return settings(at?.replace(/^.*/, "") ?? "", "#").map(([name]) => name);
}

/** ld.so.conf: `ldconfig` reads it in start scripts, and a loader without a cache does. */
export const dynamicLoader: Format = {
  name: "ld.so",
  main: /^\/etc\/ld\.so\.conf$/,
  isQuiet: true,
  references: (text) =>
    [...text.matchAll(/^[ \t]*include[ \t]+(\S[^\n#]*)/gm)].flatMap(([, patterns = ""]) =>
      patterns
        .trim()
        .split(/\s+/)
        .map((spelled): ConfigReference => ({ spelled, detail: "ld.so include", what: "include" })),
    ),
};

const rsyslogModules = ["/usr/lib/rsyslog", "/usr/lib64/rsyslog", "/usr/lib/*/rsyslog", "/usr/local/lib/rsyslog"];

/** rsyslog.conf, in the form of old and of RainerScript. Modules are opened when the configuration is read, or by a rule later. */
export const rsyslog: Format = {
  name: "rsyslog",
  main: /\/rsyslog\.conf$/,
  told: { program: /^rsyslogd$/, option: /^-f$/ },
  references(text, { context }) {
    const plain = text.replace(/^[ \t]*#.*$/gm, "");
    const values = (pattern: RegExp) => [...plain.matchAll(pattern)].map((match) => match[1] ?? "");
    const modules = [
      ...values(/^[ \t]*\$ModLoad[ \t]+([\w./-]+)/gim),
      ...values(/\bmodule\([^)]{0,200}?\bload="([\w./-]+)"/gi),
      // Outputs are loaded by the action that uses them.
      ...values(/\baction\([^)]{0,400}?\btype="([\w./-]+)"/gi),
    ];
    const includes = [
      ...values(/^[ \t]*\$IncludeConfig[ \t]+(\S+)/gim),
      ...values(/\binclude\([^)]{0,200}?\bfile="([^"\n]+)"/gi),
    ];
    const files = values(
      /(?:DefaultNetstream\w{1,40}File|streamDriver\.\w{1,40}File|tls\.\w{1,40})[ \t]{0,9}=?[ \t]{0,9}"?(\/[^"\s)]+)/gi,
    );
    const outputs = [
      ...values(/^[ \t]*\$WorkDirectory[ \t]+(\S+)/gim),
      ...values(/\bworkDirectory="([^"\n]+)"/gi),
      ...values(/^[\w*.,;=!-]{1,200}[ \t]{1,80}-?(\/[^\s;]+)/gm),
      ...values(/\bfile="(\/[^"\n]+\.log)"/gi),
    ];
    return [
      ...includes.map((spelled): ConfigReference => ({ spelled, detail: "rsyslog include", what: "include" })),
      ...modules.flatMap((name) =>
        directoriesLike(context, rsyslogModules).map((base) => ({
          spelled: name.endsWith(".so") ? name : `${name}.so`,
          detail: "rsyslog module",
          base,
        })),
      ),
      ...files.map((spelled) => ({ spelled, detail: "rsyslog file" })),
      ...outputs.map((spelled): ConfigReference => ({ spelled, detail: "rsyslog output", what: "output" })),
    ];
  },
};

/** Logging of Python (INI, YAML, JSON), Log4j and Logback: what they write to, and what they include. */
export const logging: Format = {
  name: "log",
  main: /\/(log4j2?|logback|logging|log_?conf|log[-_]config)[^/]*\.(xml|properties|ya?ml|ini|conf|cfg|json)$/,
  references(text, { context }) {
    const outputs = [
      ...text.matchAll(
        /(?:fileName|filePattern|value|\.File|args)["']?\s{0,4}[=:]\s{0,4}[("']{0,3}(\/[^"'\s,)<>%$]{1,400})|<file>\s{0,9}(\/[^<$%]{1,400})<\/file>/gi,
      ),
    ].map((match) => (match[1] ?? match[2] ?? "").trim());
    const includes = [
      ...text.matchAll(
        /<(?:include|property|properties|xi:include)\s[^>]{0,200}?\b(?:file|href|resource)="([^"$]{1,400})"/gi,
      ),
    ].map((match) => match[1] ?? "");
    return [
      ...outputs.map((spelled): ConfigReference => ({ spelled, detail: "log output", what: "output" })),
      ...includes.flatMap((spelled) =>
        [undefined, context.workdir].map(
          (base): ConfigReference => ({ spelled, detail: "log include", base, what: "include" }),
        ),
      ),
    ];
  },
};
