import { expect, it } from "vitest";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { tls } from "./tls.ts";

const debian = {
  "/usr/lib/x86_64-linux-gnu/libssl.so.3": "elf",
  "/usr/lib/x86_64-linux-gnu/libcrypto.so.3": "elf",
  "/usr/lib/x86_64-linux-gnu/ossl-modules/legacy.so": "elf",
  "/usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3": "elf",
  "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-trust.so": "elf",
  "/usr/lib/x86_64-linux-gnu/libc.so.6": "elf",
  "/usr/lib/ssl/certs": "-> /etc/ssl/certs",
  "/usr/lib/ssl/openssl.cnf": "-> /etc/ssl/openssl.cnf",
  "/usr/lib/ssl/private": "-> /etc/ssl/private",
  "/etc/ssl/openssl.cnf":
    "# .include /etc/ssl/never.cnf\n.include /etc/ssl/site.d\n.include = /etc/ssl/private/web.key\n",
  "/etc/ssl/site.d/fips.cnf": "x",
  "/etc/ssl/never.cnf": "x",
  "/etc/ssl/private/web.key": "secret",
  "/etc/ssl/certs/ca-certificates.crt": "all",
  "/etc/ssl/certs/4042bcee.0": "-> ISRG_Root_X1.pem",
  "/etc/ssl/certs/ISRG_Root_X1.pem": "-> /usr/share/ca-certificates/ISRG_Root_X1.crt",
  "/usr/share/ca-certificates/ISRG_Root_X1.crt": "one",
};

const bundle = "/etc/ssl/certs/ca-certificates.crt";

it("keeps authorities, configuration and providers for a program that may call out by TLS", () => {
  const kept = keptBy(tls, aPackContext({ ...debian, "/usr/lib/ssl/cert.pem": `-> ${bundle}` }), [
    "/usr/lib/x86_64-linux-gnu/libssl.so.3",
  ]);
  expect(kept).toEqual([
    bundle,
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/site.d",
    "/etc/ssl/site.d/fips.cnf",
    "/usr/lib/ssl/cert.pem",
    "/usr/lib/ssl/openssl.cnf",
    "/usr/lib/x86_64-linux-gnu/ossl-modules/legacy.so",
  ]);
});

it("keeps no authorities for hashes alone, and nothing for other libraries or a file that is only looked at", () => {
  const context = aPackContext(debian);
  expect(keptBy(tls, context, ["/usr/lib/x86_64-linux-gnu/libcrypto.so.3"])).not.toContain(bundle);
  expect(keptBy(tls, context, ["/usr/lib/x86_64-linux-gnu/libc.so.6"])).toEqual([]);
  expect(keptBy(tls, context, ["/usr/lib/x86_64-linux-gnu/libssl.so.3"], "exist")).toEqual([]);
});

it("keeps single certificates when one was read, or the environment names their directory", () => {
  const used = ["/usr/lib/x86_64-linux-gnu/libssl.so.3"];
  const single = "/usr/share/ca-certificates/ISRG_Root_X1.crt";
  expect(keptBy(tls, aPackContext(debian), used)).not.toContain(single);
  expect(keptBy(tls, aPackContext(debian, { seen: [single] }), used)).toContain(single);
  expect(keptBy(tls, aPackContext(debian, { env: ["SSL_CERT_DIR=/etc/ssl/certs"] }), used)).toContain(single);
});

it("keeps single certificates for a script language whose OpenSSL looks at nothing else", () => {
  const used = ["/usr/lib/x86_64-linux-gnu/libssl.so.3"];
  const processes = [{ exe: "/usr/bin/python3.9", argv: [] }];
  expect(keptBy(tls, aPackContext(debian, { processes }), used)).toContain("/etc/ssl/certs/4042bcee.0");
  const withFile = { ...debian, "/usr/lib/ssl/cert.pem": `-> ${bundle}` };
  expect(keptBy(tls, aPackContext(withFile, { processes }), used)).not.toContain("/etc/ssl/certs/4042bcee.0");
});

it("keeps what variables name, but never a key", () => {
  const tree = { "/srv/extra.pem": "x", "/srv/web-key.pem": "x" };
  const env = ["NODE_EXTRA_CA_CERTS=/srv/extra.pem", "SSL_CERT_FILE=/srv/web-key.pem"];
  expect(keptBy(tls, aPackContext(tree, { env }))).toEqual(["/srv/extra.pem"]);
});

it.each([
  ["Debian and Alpine", "/etc/ssl/certs/ca-certificates.crt"],
  ["Alpine", "/etc/ssl/cert.pem"],
  ["Red Hat", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"],
  ["older Red Hat", "/etc/pki/tls/certs/ca-bundle.crt"],
  ["SUSE", "/var/lib/ca-certificates/ca-bundle.pem"],
  ["older SUSE", "/etc/ssl/ca-bundle.pem"],
])("keeps the authorities of %s, with the crypto policies", (_, path) => {
  const policies = "/etc/crypto-policies/back-ends/opensslcnf.config";
  const context = aPackContext({ "/usr/lib64/libssl.so.3": "elf", [path]: "all", [policies]: "x" });
  expect(keptBy(tls, context, ["/usr/lib64/libssl.so.3"])).toEqual([path, policies].sort());
});

it.each(["CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"])(
  "keeps the file that %s names, or the certificates of a directory",
  (name) => {
    const tree = { "/srv/ca.pem": "x", "/srv/ca/4042bcee.0": "x", "/srv/ca/own.crt": "x", "/srv/ca/own.key": "secret" };
    expect(keptBy(tls, aPackContext(tree, { env: [`${name}=/srv/ca.pem`] }))).toEqual(["/srv/ca.pem"]);
    expect(keptBy(tls, aPackContext(tree, { env: [`${name}=/srv/ca`] }))).toEqual([
      "/srv/ca",
      "/srv/ca/4042bcee.0",
      "/srv/ca/own.crt",
    ]);
  },
);

it("keeps the trust module of GnuTLS", () => {
  const kept = keptBy(tls, aPackContext(debian), ["/usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3"]);
  expect(kept).toContain("/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-trust.so");
  expect(kept).toContain(bundle);
});

it("sees TLS in a static program that ran, by the paths in it", () => {
  const program = (text: string) => Buffer.concat([Buffer.alloc(1 << 20), Buffer.from(text)]);
  const tree = {
    [bundle]: "all",
    "/server": program("/etc/ssl/certs/ca-certificates.crt"),
    "/plain": program("hello"),
    "/usr/bin/node": program("/etc/ssl/certs"),
    "/huge": program(""),
  };
  const context = aPackContext(tree, { entries: { "/huge": { size: 90 << 20 } } });
  expect(keptBy(tls, context, ["/server"], "run")).toEqual([bundle]);
  expect(keptBy(tls, context, ["/huge"], "run")).toEqual([bundle]);
  expect(keptBy(tls, context, ["/plain"], "run")).toEqual([]);
  expect(keptBy(tls, context, ["/usr/bin/node"], "run")).toEqual([]);
  expect(keptBy(tls, context, ["/server"], "load")).toEqual([]);
});

it("keeps the modules that NSS loads by name", () => {
  const tree = { "/usr/lib64/libnss3.so": "", "/usr/lib64/libsoftokn3.so": "", "/usr/lib64/libsoftokn3.chk": "" };
  expect(keptBy(tls, aPackContext(tree), ["/usr/lib64/libnss3.so"])).toEqual([
    "/usr/lib64/libsoftokn3.chk",
    "/usr/lib64/libsoftokn3.so",
  ]);
});
