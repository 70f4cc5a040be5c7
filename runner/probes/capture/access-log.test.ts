import { describe, expect, test } from "vitest";
import { parseAccessLog } from "./access-log.ts";
import { maxCaptured } from "./collect.ts";

const line = (request: string, status: number | "-" = 200, before = "10.0.0.1 - ada") =>
  `${before} [10/Oct/2024:13:55:36 -0700] "${request}" ${status} 2326 "http://a/?token=1" "Mozilla/5.0 (X11; \\"quoted\\")"`;
const read = (...lines: string[]) =>
  parseAccessLog(lines.join("\n"), "access.log").map(({ method, resource }) => `${method} ${resource}`);

describe("the requests of an access log", () => {
  test("are its GET and HEAD requests, in the order of their first, each once", () => {
    expect(
      read(line("GET /a HTTP/1.1"), line("HEAD /b HTTP/2.0"), line("POST /c HTTP/1.1"), "", line("GET /a HTTP/1.0")),
    ).toEqual(["GET /a", "HEAD /b"]);
  });

  test.each([
    ["common", '127.0.0.1 - - [10/Oct/2024:13:55:36 +0000] "GET /x HTTP/1.0" 200 1'],
    ["combined", line("GET /x HTTP/1.1")],
    ["with a virtual host", line("GET /x HTTP/1.1", 200, "shop.example:443 10.0.0.1 - -")],
    ["with a user of two words", line("GET /x HTTP/1.1", 200, "10.0.0.1 - Ada Lovelace")],
    ["with no size", '::1 - - [10/Oct/2024:13:55:36 +0000] "GET /x HTTP/1.1" 304 -'],
    ["with carriage returns", `${line("GET /x HTTP/1.1")}\r`],
  ])("are read from the format %s", (_name, text) => {
    expect(read(text)).toEqual(["GET /x"]);
  });

  test("are without credentials, and with what was escaped", () => {
    expect(read(line('GET /a?q=\\"x\\"&password=straw HTTP/1.1'))).toEqual(['GET /a?q="x"&password=redacted']);
    expect(read(line("GET /\\xc3 HTTP/1.1"))).toEqual(["GET /\u00c3"]);
  });

  test("that ended in errors are taken once for each status", () => {
    const lines = ["/wp-login.php", "/.env", "/cgi-bin/x"].map((path) => line(`GET ${path} HTTP/1.1`, 404));
    expect(read(...lines, line("GET /broken HTTP/1.1", 500))).toEqual(["GET /wp-login.php", "GET /broken"]);
  });

  test("to other hosts, and what is no request, are left out", () => {
    const odd = ["GET http://elsewhere.example/ HTTP/1.1", "\\x16\\x03\\x01", "-", "OPTIONS * HTTP/1.0"];
    expect(read(...odd.map((request) => line(request)), line("GET /a HTTP/1.1"))).toEqual(["GET /a"]);
  });

  test("are bounded: the most frequent ones stay, in their order, and of one path a few queries", () => {
    const many = Array.from({ length: maxCaptured + 500 }, (_, n) => line(`GET /page/${n} HTTP/1.1`));
    const found = read(...many, line(`GET /page/${maxCaptured + 499} HTTP/1.1`));
    expect(found).toHaveLength(maxCaptured);
    expect([found[0], found.at(-1)]).toEqual(["GET /page/0", `GET /page/${maxCaptured + 499}`]);
    expect(read(...Array.from({ length: 99 }, (_, n) => line(`GET /find?q=${n} HTTP/1.1`)))).toHaveLength(20);
  });

  test("of a file that is none are refused with its first line", () => {
    expect(() => read("hello", "there")).toThrow(
      /access\.log: no line is in the common or combined format; line 1 is "hello"/,
    );
    expect(() => read("")).toThrow(/it is empty/);
  });
});
