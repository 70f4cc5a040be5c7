import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WinnowError } from "#contract/error.ts";
import { jsonFaultOffset } from "./json-fault.ts";
import { parseProbeCommand, parseProbeFile } from "./parse-probe.ts";

function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof WinnowError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("nothing was refused");
}

const file = (...commands: object[]) => parseProbeFile(JSON.stringify({ commands }), "probes.json");

describe("parseProbeCommand", () => {
  test("a bare resource is a GET whose protocol is found out later", () => {
    expect(parseProbeCommand("/z")).toEqual({ kind: "http", method: "GET", resource: "/z", headers: [] });
  });

  test("method and protocol stand before the resource", () => {
    expect(parseProbeCommand("GET:/x")).toMatchObject({ method: "GET", resource: "/x" });
    expect(parseProbeCommand("https:POST:/y")).toMatchObject({ protocol: "https", method: "POST", resource: "/y" });
    expect(parseProbeCommand("HTTP:delete:/y")).toMatchObject({ protocol: "http", method: "DELETE" });
  });

  test("every resource comes back as written, colons included", () => {
    const prefix = fc.constantFrom("", "GET:", "http:PUT:", "https:POST:");
    fc.assert(
      fc.property(prefix, fc.string(), (before, rest) => {
        expect(parseProbeCommand(`${before}/${rest}`).resource).toBe(`/${rest}`);
      }),
    );
    expect(parseProbeCommand("/v1/items:batchGet?at=10:30")).toMatchObject({
      method: "GET",
      resource: "/v1/items:batchGet?at=10:30",
    });
  });

  test("whatever the text, it is a probe or a request.invalid that names it", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (/^([a-z]+:)?([a-z]+:)?\//i.test(text)) return;
        const message = refusal(() => parseProbeCommand(text));
        expect(message).toContain(JSON.stringify(text));
        expect(message).toMatch(/^request\.invalid: /);
      }),
    );
  });

  test.each([
    ["", "no resource"],
    ["GET", "no resource"],
    ["GET/x", "no colon"],
    ["a:b:GET:/x", "only a protocol and a method"],
    ["ftp:GET:/x", '"ftp" is not http or https'],
    ["http:/x", '"http" is a protocol and needs a method'],
    ["http://example.org/x", "it is a URL"],
    ["crawl:http:GET:/x", "only a protocol and a method"],
    ["ws:GET:/x", "ws probes are not supported yet"],
    ["crawl:/x", "crawl probes are not supported yet"],
    ["G T:/x", '"G T" is not a word'],
  ])("%j is refused: %s", (text, why) => {
    expect(refusal(() => parseProbeCommand(text))).toContain(why);
  });
});

describe("parseProbeFile", () => {
  test("all supported keys reach the probe", () => {
    const probes = file(
      {
        protocol: "https",
        method: "post",
        resource: "/a:b",
        port: 8443,
        headers: ["X-Token: a: b", "Empty:"],
        body: "{}",
        username: "u",
        password: "",
      },
      { resource: "/" },
    );
    expect(probes).toEqual([
      {
        kind: "http",
        protocol: "https",
        method: "POST",
        resource: "/a:b",
        port: 8443,
        headers: [
          ["X-Token", "a: b"],
          ["Empty", ""],
        ],
        body: "{}",
        username: "u",
        password: "",
      },
      { kind: "http", method: "GET", resource: "/", headers: [] },
    ]);
  });

  test("the predecessor's own sample with its misspelt key is refused with the right one", () => {
    expect(refusal(() => file({ resource: "/" }, { resource: "/" }, { procotol: "http", resource: "/" }))).toBe(
      'request.invalid: Probe file probes.json: commands[2]: unknown key "procotol" (did you mean "protocol"?).',
    );
  });

  test.each([
    [{ resource: "/", crawl: true }, '"crawl" is not supported yet'],
    [{ resource: "/", body_file: "x" }, '"body_file" is not supported yet'],
    [{ resource: "/", fastcgi: {} }, '"fastcgi" is not supported yet'],
    [{ resource: "/", zzzzzzzzzzz: 1 }, 'unknown key "zzzzzzzzzzz".'],
    [{ method: "GET" }, '"resource" is required'],
    [{ resource: "x" }, '"resource" is required and starts with /'],
    [{ resource: "/", port: "80" }, '"port" must be a number'],
    [{ resource: "/", port: 65536 }, '"port" must be a number'],
    [{ resource: "/", headers: ["no colon"] }, 'headers[0] is not "Name: value"'],
    [{ resource: "/", headers: ["A: b\r\nC: d"] }, 'headers[0] is not "Name: value"'],
    [{ resource: "/", headers: "A: b" }, '"headers" must be a list'],
    [{ resource: "/", body: { a: 1 } }, '"body" must be a string'],
    [{ resource: "/", protocol: "http2" }, 'protocol "http2" is not supported yet'],
    [{ resource: "/", protocol: "gopher" }, 'protocol "gopher" is not http or https'],
  ])("%j is refused", (command, why) => {
    expect(refusal(() => file(command))).toContain(`commands[0]: ${why}`);
  });

  test("the top of the file is checked too", () => {
    expect(refusal(() => parseProbeFile('{"comands": []}', "f"))).toContain(
      'unknown key "comands" at the top (did you mean "commands"?)',
    );
    expect(refusal(() => parseProbeFile("[]", "f"))).toContain("must be an object");
    expect(refusal(() => parseProbeFile('{"commands": {}}', "f"))).toContain('"commands" must be a list');
  });

  test("a text that is not JSON is refused with line and column", () => {
    expect(refusal(() => parseProbeFile('{"commands": [\n  {"resource": "/",}\n]}', "f"))).toContain(
      'line 2, column 20: unexpected "}"',
    );
    expect(refusal(() => parseProbeFile('{"commands": [', "f"))).toContain("line 1, column 15: it ends too early");
    expect(refusal(() => parseProbeFile("", "f"))).toContain("line 1, column 1: it ends too early");
  });
});

describe("jsonFaultOffset", () => {
  const parses = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };

  test("it finds a fault exactly where JSON.parse does", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"\\u00e9"',
      '"\\x"',
      '"',
      "1",
      "-0.5e3",
      "01",
      "true",
      "nul",
      " ",
      "\n",
      "\u00a0",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const text = parts.join("");
        expect(jsonFaultOffset(text) === undefined).toBe(parses(text));
      }),
      { numRuns: 3000 },
    );
  });

  test("any JSON value passes, and cut short it has a fault", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, cut) => {
        expect(jsonFaultOffset(json)).toBeUndefined();
        const part = json.slice(0, cut % json.length);
        expect(jsonFaultOffset(part) === undefined).toBe(parses(part));
      }),
    );
  });

  test("the text before the fault could still become JSON", () => {
    expect(jsonFaultOffset('{"a": 1, "b" 2}')).toBe(13);
    expect(jsonFaultOffset('{"a": 01}')).toBe(7);
    expect(jsonFaultOffset('["\ttab"]')).toBe(1);
  });
});
