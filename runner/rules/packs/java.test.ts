import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { java } from "./java.ts";
import { classPathOf, manifestOf } from "./java-archive.ts";
import { javaWords, parseJavaCommand } from "./java-command.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

/** A zip with one member, whose names and sizes stand where a reader looks for them; checksums are not read. */
function aJar(manifest: string, method: 0 | 8 = 8): Buffer {
  const name = Buffer.from("META-INF/MANIFEST.MF");
  const data = method === 8 ? deflateRawSync(manifest) : Buffer.from(manifest);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(method, 10);
  entry.writeUInt32LE(data.length, 20);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(30 + name.length + data.length, 16);
  return Buffer.concat([header, name, data, entry, name, end]);
}

describe("manifestOf", () => {
  it.each([0, 8] as const)("reads a member packed by method %i", (method) => {
    expect(manifestOf(aJar("Class-Path: a.jar\n", method))).toBe("Class-Path: a.jar\n");
  });

  it("unfolds a class path and leaves out what is no file", () => {
    const manifest = "Main-Class: A\r\nClass-Path: lib/a.jar li\r\n b/b%20c.jar file:/opt/d.jar http://x/e.jar\r\n\r\n";
    expect(classPathOf(manifest)).toEqual(["lib/a.jar", "lib/b c.jar", "/opt/d.jar"]);
  });

  it("never fails on damaged archives", () => {
    const jar = aJar("Class-Path: lib/a.jar");
    fc.assert(
      fc.property(
        fc.nat(jar.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.uint8Array({ maxLength: 60 }),
        (at, byte, tail) => {
          const damaged = Buffer.from(jar);
          damaged[at] = byte;
          for (const bytes of [damaged, Buffer.concat([damaged, tail]), Buffer.from(tail)])
            classPathOf(manifestOf(bytes) ?? "");
        },
      ),
    );
  });
});

describe("parseJavaCommand", () => {
  it.each([
    ["-Xmx1g -cp a.jar:lib/* Main x.jar", { paths: ["a.jar", "lib/*"], jar: undefined }],
    [
      "--class-path=a.jar -javaagent:agent.jar=x -Dx.home=/opt/x -jar b.jar -cp c.jar",
      { paths: ["a.jar", "agent.jar"], jar: "b.jar" },
    ],
    ["--add-opens java.base/java.io=ALL-UNNAMED -p mods -m m/M", { paths: ["mods"], jar: undefined }],
  ])("reads %s", (line, expected) => {
    expect(parseJavaCommand(line.split(" "))).toMatchObject(expected);
  });

  it("reads the words of an argument file", () => {
    expect(javaWords("# why\n-cp \"/opt/my app/a.jar\"\n-Dx=1 'b c'")).toEqual([
      "-cp",
      "/opt/my app/a.jar",
      "-Dx=1",
      "b c",
    ]);
  });
});

const home = "/usr/lib/jvm/java-17";
const runtime: Tree = {
  [`${home}/bin/java`]: Buffer.from("java"),
  [`${home}/bin/javac`]: Buffer.from("javac"),
  [`${home}/lib/modules`]: "modules",
  [`${home}/lib/jvm.cfg`]: "-> /etc/java-17/jvm.cfg",
  [`${home}/lib/libjava.so`]: "elf",
  [`${home}/lib/libawt_xawt.so`]: "elf",
  [`${home}/lib/server/libjvm.so`]: "elf",
  [`${home}/lib/server/classes.jsa`]: "archive",
  [`${home}/lib/server/classes_nocoops.jsa`]: "archive",
  [`${home}/lib/tzdb.dat`]: "zones",
  [`${home}/lib/ct.sym`]: "for javac",
  [`${home}/lib/src.zip`]: "sources",
  [`${home}/lib/security/cacerts`]: "-> /etc/ssl/certs/java/cacerts",
  [`${home}/conf/security/java.security`]: "x",
  [`${home}/jmods/java.base.jmod`]: "for jlink",
  [`${home}/legal/LICENSE`]: "x",
  "/etc/java-17/jvm.cfg": "-server KNOWN",
  "/etc/ssl/certs/java/cacerts": "certificates",
};

const kept = (tree: Tree, argv: string[], more: { seen?: string[]; env?: string[] } = {}) => {
  const context = aPackContext(
    { ...runtime, ...tree },
    { workdir: "/", application: ["/app"], processes: [{ exe: `${home}/bin/java`, argv: ["java", ...argv] }], ...more },
  );
  return keptBy(java, context, more.seen ?? []);
};
const keptOfApplication = (...given: Parameters<typeof kept>) =>
  kept(...given).filter((path) => !path.startsWith(home) && !path.startsWith("/etc/"));

describe("java", () => {
  it("keeps the running JVM as a unit, without what compilers, desktops and other options use", () => {
    const names =
      "conf/security/java.security lib/jvm.cfg lib/libjava.so lib/modules lib/security/cacerts lib/server/classes.jsa";
    const expected = [...names.split(" "), "lib/server/libjvm.so", "lib/tzdb.dat"].map((name) => `${home}/${name}`);
    expect(kept({}, ["-version"])).toEqual(["/etc/java-17/jvm.cfg", "/etc/ssl/certs/java/cacerts", ...expected]);
  });

  it("keeps a Java 8 runtime as a unit: its jars and libraries beside the virtual machine", () => {
    const jre = "/usr/lib/jvm/java-8/jre";
    const names =
      "lib/rt.jar lib/jsse.jar lib/resources.jar lib/amd64/libjava.so lib/amd64/libzip.so lib/amd64/server/libjvm.so lib/security/cacerts lib/fontconfig.properties";
    const unit = names.split(" ").map((name) => `${jre}/${name}`);
    const tree = Object.fromEntries([...unit, "/usr/lib/jvm/java-8/lib/tools.jar"].map((path) => [path, "x"]));
    const processes = [{ exe: `${jre}/bin/java`, argv: ["java", "-version"] }];
    const context = aPackContext({ ...tree, [`${jre}/bin/java`]: Buffer.from("java") }, { processes });
    expect(keptBy(java, context)).toEqual(unit.sort());
  });

  it("keeps the module tree of JBoss, which loads modules by name", () => {
    const modules = "/opt/jboss/modules/system/layers/base/org/late/main";
    const tree = {
      "/opt/jboss/jboss-modules.jar": "a",
      [`${modules}/module.xml`]: "x",
      [`${modules}/late.jar`]: "a",
      "/opt/jboss/docs/schema.xsd": "x",
    };
    const argv = ["-Djboss.home.dir=/opt/jboss", "-jar", "/opt/jboss/jboss-modules.jar", "-mp", "/opt/jboss/modules"];
    expect(keptOfApplication(tree, argv, { seen: ["/opt/jboss/jboss-modules.jar"] })).toEqual([
      `${modules}/late.jar`,
      `${modules}/module.xml`,
    ]);
  });

  it("keeps nothing of a JVM that did not run", () => {
    expect(keptBy(java, aPackContext(runtime))).toEqual([]);
  });

  it("follows the manifests of jars, through links, but not into directories of the system", () => {
    const tree = {
      "/app/main.jar": aJar("Class-Path: lib/a.jar /usr/share/java/b.jar /usr/share/java/\n"),
      "/app/lib/a.jar": aJar("Class-Path: ../other/c.jar\n"),
      "/app/other/c.jar": "c",
      "/app/other/unused.jar": "d",
      "/usr/share/java/b.jar": "-> b-1.0.jar",
      "/usr/share/java/b-1.0.jar": "b",
      "/usr/share/java/unused.jar": "c",
    };
    expect(keptOfApplication(tree, ["-jar", "/app/main.jar"])).toEqual([
      "/app/lib/a.jar",
      "/app/main.jar",
      "/app/other/c.jar",
      "/usr/share/java/b-1.0.jar",
      "/usr/share/java/b.jar",
    ]);
  });

  it("keeps the jars of a wildcard, directories of classes and the jars of an argument file", () => {
    const tree = {
      "/opt/x/lib/a.jar": "a",
      "/opt/x/lib/readme": "r",
      "/opt/x/classes/A.class": "a",
      "/opt/x/args": "-cp /opt/x/b.jar",
      "/opt/x/b.jar": "b",
    };
    expect(keptOfApplication(tree, ["@/opt/x/args", "-cp", "/opt/x/lib/*:/opt/x/classes", "Main"])).toEqual([
      "/opt/x/args",
      "/opt/x/b.jar",
      "/opt/x/classes/A.class",
      "/opt/x/lib/a.jar",
    ]);
  });

  it("keeps the tree of a server that was used, named by a property or a variable", () => {
    const tree = {
      "/opt/tomcat/conf/web.xml": "x",
      "/opt/tomcat/lib/a.jar": "a",
      "/opt/tomcat/bin/startup.bat": "x",
      "/opt/tomcat/docs/index.html": "x",
      "/opt/idle/lib/a.jar": "a",
    };
    const seen = ["/opt/tomcat/conf/web.xml"];
    const env = ["IDLE_HOME=/opt/idle", "CATALINA_BASE=/opt/tomcat"];
    expect(keptOfApplication(tree, ["-Dcatalina.home=/opt/tomcat", "Main"], { seen })).toEqual([
      "/opt/tomcat/lib/a.jar",
    ]);
    expect(keptOfApplication(tree, ["Main"], { seen, env })).toEqual(["/opt/tomcat/lib/a.jar"]);
  });

  it("keeps a web application of which one file was used", () => {
    const tree = { "/srv/shop/WEB-INF/web.xml": "x", "/srv/shop/WEB-INF/lib/a.jar": "a", "/srv/shop/cart.jsp": "x" };
    expect(keptOfApplication(tree, ["Main"], { seen: ["/srv/shop/WEB-INF/web.xml"] })).toEqual([
      "/srv/shop/WEB-INF/lib/a.jar",
      "/srv/shop/cart.jsp",
    ]);
  });
});
