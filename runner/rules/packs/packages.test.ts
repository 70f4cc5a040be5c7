import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apkPackages, parseApkInstalled } from "./apk.ts";
import { dpkgFiles, dpkgPackages, parseControl, parseMd5sums } from "./dpkg.ts";
import { aPackContext } from "./pack.builder.ts";
import { dependencyNames } from "./package-record.ts";

describe("dpkg", () => {
  const status = [
    "Package: nginx",
    "Status: install ok installed",
    "Priority: optional",
    "Section: contrib/httpd",
    "Source: nginx (1.22.1-9)",
    "Architecture: amd64",
    "Depends: nginx-common (>= 1.22), libc6 (>= 2.36),",
    " iproute2 | procps:any",
    "Provides: httpd, httpd-cgi",
    "Description: small",
    " .",
    " text with Package: fake",
    "",
    "Package: gone",
    "Status: deinstall ok config-files",
    "",
    "Package: libc6",
    "Status: install ok installed",
    "Architecture: amd64",
    "",
    "Package: libc6",
    "Status: install ok installed",
    "Architecture: i386",
    "",
    "Package: torn",
    "Status: install ok inst",
  ].join("\n");
  const tree = {
    "/var/lib/dpkg/status": status,
    "/var/lib/dpkg/info/nginx.list": "/.\n/usr\n/usr/sbin\n/usr/sbin/nginx\nnot-a-path",
    "/var/lib/dpkg/info/libc6:amd64.list": "/.\n/lib/libc.so.6\n",
  };

  it("reads what is installed, with its files, and passes over what is gone or torn", () => {
    const context = aPackContext(tree);
    const packages = dpkgPackages(context);
    expect([...packages.keys()]).toEqual(["nginx", "libc6", "libc6:i386"]);
    const nginx = packages.get("nginx");
    expect(nginx).toMatchObject({
      source: "nginx",
      section: "httpd",
      priority: "optional",
      isEssential: false,
      depends: ["nginx-common", "libc6", "iproute2", "procps"],
      provides: ["httpd", "httpd-cgi"],
    });
    expect(nginx && dpkgFiles(context, nginx)).toEqual(["/usr", "/usr/sbin", "/usr/sbin/nginx"]);
    expect(packages.get("libc6:i386")?.listedIn).toEqual([]);
  });

  it("reads the single records of a distroless image", () => {
    const context = aPackContext({
      "/var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 1\nArchitecture: all\n",
      "/var/lib/dpkg/status.d/tzdata.md5sums": `${"a".repeat(32)}  usr/share/zoneinfo/UTC\n`,
    });
    const tzdata = dpkgPackages(context).get("tzdata");
    expect(tzdata && dpkgFiles(context, tzdata)).toEqual(["/usr/share/zoneinfo/UTC"]);
  });

  it("reads any text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), (text) => {
        parseControl(text);
        parseMd5sums(text);
        dependencyNames(text);
        parseApkInstalled(text);
      }),
    );
  });
});

describe("apk", () => {
  const installed =
    "C:Q1\nP:nginx\nV:1.26\no:nginx\nD:so:libc.musl-x86_64.so.1 !other nginx-mod>=1\np:cmd:nginx=1.26\nF:\nR:root.txt\nF:usr/sbin\nR:nginx\na:0:0:755\nZ:Q1\n\nP:torn\nF:us";

  it("reads packages and their files", () => {
    const packages = apkPackages(aPackContext({ "/lib/apk/db/installed": installed }));
    expect(packages.get("nginx")).toMatchObject({
      source: "nginx",
      depends: ["so:libc.musl-x86_64.so.1", "nginx-mod"],
      provides: ["cmd:nginx"],
      files: ["/root.txt", "/usr/sbin", "/usr/sbin/nginx"],
    });
    expect(packages.get("torn")?.files).toEqual(["/us"]);
  });
});
