import type { Format } from "./config-format.ts";
import { bind, haproxy, lighttpd, squid, varnish } from "./config-proxies.ts";
import { mysql, phpFpm, postgres, postgresAccess, redis, supervisor } from "./config-servers.ts";
import { dynamicLoader, logging, openssl, rsyslog } from "./config-system.ts";
import { apache, nginx } from "./config-web.ts";

/** Every configuration that is read for what it refers to; the first whose main file fits counts. */
export const formats: readonly Format[] = [
  nginx,
  apache,
  lighttpd,
  haproxy,
  squid,
  varnish,
  bind,
  phpFpm,
  mysql,
  redis,
  postgres,
  postgresAccess,
  supervisor,
  openssl,
  dynamicLoader,
  rsyslog,
  logging,
];
