import { posix } from "node:path";
import { startsOf } from "./command-line.ts";
import type { ConfigReference, Format } from "./config-format.ts";
import { directoriesLike } from "./config-place.ts";
import { settings } from "./config-syntax.ts";
import type { PackContext } from "./pack.ts";
import { readShell } from "./shell-text.ts";
import { parseSupervisor } from "./supervisor.ts";

const libraryOf = (name: string) => (/\.so(\.|$)/.test(name) ? name : `${name}.so`);

/** php-fpm.conf with its pools, and php.ini: what the pack for PHP, which reads extensions and files, does not look at. */
export const phpFpm: Format = {
  name: "php-fpm",
  main: /\/php-fpm[^/]*\.conf$|\/php[^/]*\.ini$/,
  told: { program: /^php-fpm[\d.]*$/, option: /^(-y|--fpm-config)$/ },
  references: (text) =>
    settings(text).flatMap(([name, value]): ConfigReference[] => {
      // Relative to the prefix of the build, which most often is where the file's directory is in.
      if (name === "include") {
        const directories = value.startsWith("/") ? ["/"] : ["/usr/local", "/usr", "/etc"];
        return directories.map((base) => ({ spelled: value, detail: "php-fpm include", base, what: "include" }));
      }
      const isOutput =
        /^(?:php_(?:admin_)?value\[)?(error_log|session\.save_path|upload_tmp_dir|sys_temp_dir|pid|listen|slowlog|access\.log|opcache\.file_cache|soap\.wsdl_cache_dir)\]?$/.test(
          name,
        );
      const path = value.replace(/^\d+;(?:\d+;)?/, "");
      return isOutput && path.startsWith("/") ? [{ spelled: path, detail: "php output", what: "output" }] : [];
    }),
};

const mysqlPlugins = [
  "/usr/lib/mysql/plugin",
  "/usr/lib64/mysql/plugin",
  "/usr/lib/mariadb/plugin",
  "/usr/lib/*/mariadb*/plugin",
  "/usr/local/mysql/lib/plugin",
];
const mysqlFiles =
  /^(init-file|ssl-(ca|cert|key|crl)|tls-.*file|(caching-)?sha256-password-(private|public)-key-path|malloc-lib|.*-key-management-filename)$/;
const mysqlOutputs =
  /^(datadir|tmpdir|slave-load-tmpdir|secure-file-priv|socket|pid-file|log-error|log-bin|relay-log|slow-query-log-file|general-log-file|innodb-.*-(dir|directory))$/;

/** my.cnf of MySQL and MariaDB. Dashes and underscores are the same, and the first value that a list may have counts. */
export const mysql: Format = {
  name: "mysql",
  main: /\/\.?my\.cnf$|\/(mariadb|mysqld?)\.cnf$/,
  told: { program: /^(mysqld|mariadbd)(-?safe|_safe)?$/, option: /^--defaults-(extra-)?file$/ },
  references(text, { context }) {
    const all = settings(text).map(([name, value]): [string, string] => [name.replaceAll("_", "-"), value]);
    const own = all.filter(([name]) => name === "plugin-dir").map(([, value]) => value);
    const plugins = [...own, ...directoriesLike(context, mysqlPlugins)];
    return all.flatMap(([name, value]): ConfigReference[] => {
      if (name === "!includedir")
        return [{ spelled: posix.join(value, "*.cnf"), detail: "mysql include", what: "include" }];
      if (name === "!include") return [{ spelled: value, detail: "mysql include", what: "include" }];
      if (/^((early-)?plugin-load(-add)?|plugin-dir)$/.test(name) && name !== "plugin-dir") {
        const names = value.split(/[;:]/).map((each) => libraryOf(each.replace(/^.*=/s, "").trim()));
        return names.flatMap((spelled) => plugins.map((base) => ({ spelled, detail: "mysql plugin", base })));
      }
      if (/^(lc-messages-dir|character-sets-dir)$/.test(name))
        return [{ spelled: value, detail: "mysql data", what: "tree" }];
      if (!value.startsWith("/")) return [];
      if (mysqlFiles.test(name)) return [{ spelled: value, detail: "mysql file" }];
      return mysqlOutputs.test(name) ? [{ spelled: value, detail: "mysql output", what: "output" }] : [];
    });
  },
};

const redisFiles = /^(loadmodule|aclfile|tls-(cert|key|client-cert|client-key|dh-params|ca-cert)-file)$/;
const redisOutputs = /^(dir|logfile|pidfile|unixsocket)$/;

/** redis.conf, also of Valkey, KeyDB and Sentinel. Relative paths count from where the server was started, or from its `dir`. */
export const redis: Format = {
  name: "redis",
  main: /\/(redis|valkey|keydb|sentinel|redis-sentinel|redis-full)\.conf$/,
  // The configuration is the first word behind the program.
  told: { program: /^(redis|valkey|keydb)-(server|sentinel)$/, option: /^$/ },
  references(text, { context, path }) {
    const all = settings(text, "#");
    const own = all.find(([name, value]) => name === "dir" && value.startsWith("/"))?.[1];
    const bases = [...new Set([context.workdir, own ?? context.workdir, posix.dirname(path)])];
    return all.flatMap(([option, value]): ConfigReference[] => {
      const [first = "", second = "", third = ""] = value.split(/\s+/);
      const name = option === "sentinel" ? first : option;
      const target = first.replace(/^(["'])(.*)\1$/, "$2");
      const from = target.startsWith("/") ? ["/"] : bases;
      if (name === "include")
        return from.map((base) => ({ spelled: target, detail: "redis include", base, what: "include" }));
      if (redisFiles.test(name)) return from.map((base) => ({ spelled: target, detail: "redis file", base }));
      if (name === "tls-ca-cert-dir") return [{ spelled: target, detail: "redis certificates", what: "tree" }];
      if (/^(notification-script|client-reconfig-script)$/.test(name)) {
        const script = [second, third].find((each) => each.startsWith("/")) ?? "";
        return [{ spelled: script, detail: "redis script", what: "program" }];
      }
      if (!redisOutputs.test(name)) return [];
      return target.startsWith("/") ? [{ spelled: target, detail: "redis output", what: "output" }] : [];
    });
  },
};

const postgresPlaces = [
  "/usr/lib/postgresql/*/lib",
  "/usr/local/lib/postgresql",
  "/usr/local/pgsql/lib",
  "/usr/pgsql-*/lib",
  "/usr/lib64/pgsql",
  "/usr/lib/postgresql*",
  "/opt/*/lib/postgresql",
];

/** Directories of loadable modules of each server in the image. */
export function postgresLibraries(context: PackContext): string[] {
  return directoriesLike(context, postgresPlaces).filter((each) =>
    (context.children.get(each) ?? []).includes("plpgsql.so"),
  );
}

const postgresFiles =
  /^((hba|ident)_file|ssl_(cert|key|ca|crl|dh_params)_file|krb_server_keyfile|promote_trigger_file)$/;
const postgresOutputs =
  /^(data_directory|external_pid_file|log_directory|unix_socket_directories|stats_temp_directory)$/;
const postgresCommands =
  /^(archive_command|archive_cleanup_command|restore_command|recovery_end_command|ssl_passphrase_command)$/;

/** postgresql.conf: paths are relative to the file that names them, libraries to the server's own directory. */
export const postgres: Format = {
  name: "postgres",
  main: /\/postgresql(\.auto)?\.conf$/,
  told: { program: /^(postgres|postmaster|pg_ctl)$/, option: /^(--)?config[_-]file$/ },
  references: (text, { context }) =>
    settings(text, "#").flatMap(([name, value]): ConfigReference[] => {
      if (name === "include" || name === "include_if_exists")
        return [{ spelled: value, detail: "postgres include", what: "include" }];
      if (name === "include_dir")
        return [{ spelled: posix.join(value, "*.conf"), detail: "postgres include", what: "include" }];
      if (/_preload_libraries$|^(archive_library|jit_provider)$/.test(name)) return preloaded(value, name, context);
      if (postgresFiles.test(name)) return [{ spelled: value, detail: "postgres file" }];
      if (postgresCommands.test(name))
        return readShell(value)
          .commands.flatMap((words) => startsOf(words, "/"))
          .map(({ words: [program = ""] }) => ({ spelled: program, detail: "postgres command", what: "program" }));
      if (!postgresOutputs.test(name)) return [];
      const paths = value.split(",").map((each) => each.trim());
      return paths
        .filter((each) => each.startsWith("/"))
        .map((spelled) => ({ spelled, detail: "postgres output", what: "output" }));
    }),
};

function preloaded(value: string, name: string, context: PackContext): ConfigReference[] {
  const names = value.split(",").map((each) => each.trim().replace(/^["'](.*)["']$/, "$1"));
  const plugins = name.startsWith("local_") ? "plugins" : "";
  return names.filter(Boolean).flatMap((each) =>
    postgresLibraries(context).map((directory) => ({
      spelled: libraryOf(each.replace(/^\$libdir\//, "")),
      detail: "postgres library",
      base: posix.join(directory, plugins),
    })),
  );
}

/** pg_hba.conf and pg_ident.conf: `include*` since 16, and lists of names in a file: `@admins`. */
export const postgresAccess: Format = {
  name: "postgres access",
  main: /\/pg_(hba|ident)\.conf$/,
  references: (text) =>
    text.split("\n").flatMap((line): ConfigReference[] => {
      const [name = "", target = "", ...rest] = line.length > 4096 ? [] : line.trim().split(/\s+/);
      const spelled = target.replace(/^"(.*)"$/, "$1");
      if (/^include(_if_exists)?$/.test(name)) return [{ spelled, detail: "postgres include", what: "include" }];
      if (name === "include_dir")
        return [{ spelled: posix.join(spelled, "*.conf"), detail: "postgres include", what: "include" }];
      const lists = [name, target, ...rest].filter((word) => /^"?@./.test(word));
      return name.startsWith("#")
        ? []
        : lists.map((word) => ({ spelled: word.replace(/^"?@|"$/g, ""), detail: "postgres names" }));
    }),
};

/** supervisord.conf: further files, the programs (also those that are started later) and where their output goes. */
export const supervisor: Format = {
  name: "supervisor",
  main: /\/supervisord?\.conf$/,
  told: { program: /^(supervisord|supervisorctl)$/, option: /^(-c|--configuration)$/ },
  references(text, { path, base }) {
    const here = text.replaceAll("%(here)s", posix.dirname(path));
    const { programs, files } = parseSupervisor(here);
    const outputs = settings(here).filter(
      ([name, value]) => /(logfile|pidfile|^file|^childlogdir|^directory)$/.test(name) && /^\/(?!dev\/)/.test(value),
    );
    return [
      ...files.map((spelled): ConfigReference => ({ spelled, detail: "supervisor include", base, what: "include" })),
      ...programs.flatMap(({ command, directory = "/" }) =>
        startsOf(command, directory).map(
          ({ words: [spelled = ""] }): ConfigReference => ({
            spelled,
            detail: "supervisor program",
            base: directory,
            what: "program",
          }),
        ),
      ),
      ...outputs.map(([, spelled]): ConfigReference => ({ spelled, detail: "supervisor output", what: "output" })),
    ];
  },
};
