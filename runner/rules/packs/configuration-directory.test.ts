import { describe, expect, it } from "vitest";
import { configurationDirectory } from "./configuration-directory.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

describe("the configuration-directory pack", () => {
  const tree = {
    "/etc/rabbitmq/rabbitmq.conf": "",
    "/etc/rabbitmq/conf.d/10.conf": "",
    "/etc/rabbitmq/enabled_plugins": "",
    "/etc/rabbitmq/server.key": "",
    "/etc/other/x.conf": "",
    "/etc/ssl/openssl.cnf": "",
    "/etc/ssl/more": "",
    "/etc/shadow": "",
    "/etc/hosts.allow": "",
    "/usr/local/etc/php/php.ini": "",
    "/usr/local/etc/php/conf.d/a.ini": "",
  };

  it("keeps the directory of a file that was read, without private keys", () => {
    const context = aPackContext(tree, { seen: ["/etc/rabbitmq/rabbitmq.conf"] });
    expect(keptBy(configurationDirectory, context)).toEqual([
      "/etc/rabbitmq",
      "/etc/rabbitmq/conf.d/10.conf",
      "/etc/rabbitmq/enabled_plugins",
      "/etc/rabbitmq/rabbitmq.conf",
    ]);
  });

  it("knows /usr/local/etc", () => {
    expect(keptBy(configurationDirectory, aPackContext(tree, { seen: ["/usr/local/etc/php/php.ini"] }))).toContain(
      "/usr/local/etc/php/conf.d/a.ini",
    );
  });

  it("keeps nothing for a file of the system's configuration, or when nothing was read", () => {
    const seen = ["/etc/ssl/openssl.cnf", "/etc/shadow", "/etc/hosts.allow"];
    expect(keptBy(configurationDirectory, aPackContext(tree, { seen }))).toEqual([]);
  });

  it("keeps nothing of a directory that is too large for a configuration", () => {
    const entries = { "/etc/rabbitmq/enabled_plugins": { size: 5 << 20 } };
    const context = aPackContext(tree, { seen: ["/etc/rabbitmq/rabbitmq.conf"], entries });
    expect(keptBy(configurationDirectory, context)).toEqual([]);
  });
});
