import { describe, expect, test } from "vitest";
import { parseApiDocument } from "./document.ts";
import { requestsOf } from "./requests.ts";

const options = { mutating: true, maxRequests: 100 };
function of(document: object | string, change: Partial<Parameters<typeof requestsOf>[1]> = {}) {
  const parsed = parseApiDocument(typeof document === "string" ? document : JSON.stringify(document));
  if (!parsed) throw new Error("no document");
  return requestsOf(parsed, { ...options, ...change });
}
const lines = (document: object | string, change: Partial<Parameters<typeof requestsOf>[1]> = {}) =>
  of(document, change).probes.map(({ method, resource, body }) => [method, resource, body].filter(Boolean).join(" "));
const v3 = (paths: object, more: object = {}) => ({ openapi: "3.0.3", paths, ...more });
const query = (name: string, schema: object, more: object = {}) => ({
  name,
  in: "query",
  required: true,
  schema,
  ...more,
});

describe("a document", () => {
  test("is read from JSON and YAML, of versions 2 and 3", () => {
    expect(lines('{"swagger": "2.0", "basePath": "/v1/", "paths": {"/a": {"get": {}}}}')).toEqual(["GET /v1/a"]);
    expect(lines("openapi: 3.1.0\npaths:\n  /a:\n    get:\n      operationId: a\n")).toEqual(["GET /a"]);
    expect(lines("swagger: '2.0'\npaths:\n  /b: {head: {}}\n")).toEqual(["HEAD /b"]);
  });

  test.each(["", "<html>openapi: 3</html>", "[]", '{"openapi": "3.0.0"}', '{"openapi": "4.0.0", "paths": {}}', "{"])(
    "is not what %j is",
    (text) => {
      expect(parseApiDocument(text)).toBeUndefined();
    },
  );

  test("with too many YAML aliases, or too long, is none", () => {
    const bomb = `openapi: 3.0.0\na: &a [x, x, x, x, x, x, x, x, x]\n${["b", "c", "d", "e", "f", "g"]
      .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${"abcdef"[at]}`).join(",")}]`)
      .join("\n")}\npaths: {/a: {get: {}}}\n`;
    expect(parseApiDocument(bomb)).toBeUndefined();
    expect(parseApiDocument(`${" ".repeat(5 << 20)}{"openapi": "3.0.0", "paths": {}}`)).toBeUndefined();
  });
});

describe("the operations of a document", () => {
  test("are called with safe methods unless others are asked for, and what removes comes last", () => {
    const paths = v3({ "/a": { delete: {}, post: {}, get: {} }, "/b": { get: {}, put: {}, head: {} } });
    expect(lines(paths)).toEqual(["GET /a", "GET /b", "HEAD /b", "POST /a", "PUT /b", "DELETE /a"]);
    const safe = of(paths, { mutating: false });
    expect([safe.probes.length, safe.mutating]).toEqual([3, 3]);
  });

  test("are bounded, and what is over is counted", () => {
    const paths = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`/${n}`, { get: {} }]));
    const bounded = of(v3(paths), { maxRequests: 10 });
    expect([bounded.probes.length, bounded.over]).toEqual([10, 20]);
  });

  test("stand below the server's path, or the prefix that is given", () => {
    const servers = [{ url: "https://{host}/api/{version}", variables: { version: { default: "v2" } } }];
    expect(lines(v3({ "/a": { get: {} } }, { servers }))).toEqual(["GET /api/v2/a"]);
    expect(lines(v3({ "/a": { get: {} } }, { servers }), { prefix: "/x/" })).toEqual(["GET /x/a"]);
  });
});

describe("a parameter", () => {
  test("is sent when it is required; the operation's own wins over the path's", () => {
    const path = {
      parameters: [query("q", { type: "string", default: "path" }), query("r", { enum: ["r1", "r2"] })],
      get: { parameters: [query("q", { default: "own" }), query("s", { type: "string" }, { required: false })] },
    };
    expect(lines(v3({ "/a": path }))).toEqual(["GET /a?q=own&r=r1"]);
  });

  test.each([
    [{ schema: { type: "string" }, example: "ex" }, "ex"],
    [{ schema: { type: "string" }, examples: { a: { value: "one" } } }, "one"],
    [{ schema: { type: "string", examples: ["s"] } }, "s"],
    [{ schema: { type: "integer", minimum: 5 } }, "5"],
    [{ schema: { type: "integer", exclusiveMinimum: 5 } }, "6"],
    [{ schema: { type: "number", maximum: 0.5 } }, "0.5"],
    [{ schema: { type: "integer", multipleOf: 10 } }, "10"],
    [{ schema: { type: "boolean" } }, "true"],
    [{ schema: { type: ["null", "string"], format: "date" } }, "2024-01-02"],
    [{ schema: { type: "string", format: "uuid" } }, "00000000-0000-4000-8000-000000000001"],
    [{ schema: { type: "string", maxLength: 3 } }, "str"],
    [{ schema: { oneOf: [{ const: "c" }] } }, "c"],
    [{ type: "integer", default: 3 }, "3"],
  ])("%j gets the value %s", (parameter, value) => {
    const parameters = [{ name: "q", in: "query", required: true, ...parameter }];
    expect(lines(v3({ "/a": { get: { parameters } } }))).toEqual([`GET /a?q=${value}`]);
  });

  test("is written in the style of its place", () => {
    const list = { type: "array", items: { type: "string" }, minItems: 2 };
    const object = { type: "object", required: ["a"], properties: { a: { type: "integer" } } };
    const parameters = [
      { name: "id", in: "path", required: true, example: "a b/c" },
      query("l", list),
      query("k", list, { explode: false }),
      query("o", object, { style: "deepObject" }),
      { name: "X-Trace", in: "header", required: true, schema: { type: "integer" } },
      { name: "c", in: "cookie", required: true, example: "x;y" },
    ];
    const [probe] = of(v3({ "/a/{id}/{other}": { get: { parameters } } })).probes;
    expect(probe?.resource).toBe("/a/a%20b%2Fc/1?l=string&l=string&k=string%2Cstring&o%5Ba%5D=1");
    expect(probe?.headers).toEqual([
      ["X-Trace", "1"],
      ["cookie", "c=x%3By"],
    ]);
  });

  test("that cannot be written makes its operation unusable, not the document", () => {
    const parameters = [{ name: "X\r\nEvil", in: "header", required: true, example: "1" }];
    const requests = of(v3({ "/a": { get: { parameters } }, "/b": { get: {} } }));
    expect([requests.probes.length, requests.unusable]).toEqual([1, 1]);
  });
});

describe("a body", () => {
  const body = (content: object, components = {}) =>
    of(v3({ "/a": { post: { requestBody: { content } } } }, { components })).probes[0];

  test("is made of the required properties of its schema, those of allOf too", () => {
    const schemas = {
      Base: { required: ["id"], properties: { id: { type: "integer", readOnly: true }, kind: { type: "string" } } },
      Item: {
        allOf: [
          { $ref: "#/components/schemas/Base" },
          { required: ["kind", "tags"], properties: { tags: { type: "array", items: { enum: ["t"] } } } },
        ],
      },
    };
    expect(body({ "application/json": { schema: { $ref: "#/components/schemas/Item" } } }, { schemas })).toMatchObject({
      headers: [["content-type", "application/json"]],
      body: '{"kind":"string","tags":["t"]}',
    });
  });

  test("is the example when there is one, in JSON before any other type", () => {
    expect(body({ "text/plain": { example: "t" }, "application/json": { example: { a: 1 } } })?.body).toBe('{"a":1}');
  });

  test("is a form where that is wanted", () => {
    const schema = { required: ["a", "b"], properties: { a: { example: "x y" }, b: { type: "integer" } } };
    expect(body({ "application/x-www-form-urlencoded": { schema } })?.body).toBe("a=x+y&b=1");
    const multipart = body({ "multipart/form-data": { schema } });
    expect(multipart?.body).toMatch(/name="a"\r\n\r\nx y\r\n--winnow-boundary\r\n/);
  });

  test.each([{ format: "binary" }, { contentMediaType: "application/octet-stream" }])(
    "has a file where the schema says %j, by itself or in a list",
    (one) => {
      const properties = { a: { type: "string", ...one }, b: { type: "array", items: { type: "string", ...one } } };
      const made = body({ "multipart/form-data": { schema: { required: ["a", "b"], properties } } });
      expect(made?.body?.match(/name="[ab]"; filename="a\.txt"\r\ncontent-type: text\/plain\r\n\r\n/g)).toHaveLength(2);
    },
  );

  test("of OpenAPI 2 comes from its body or form parameters", () => {
    const post = (parameters: object[], more = {}) =>
      lines({ swagger: "2.0", paths: { "/a": { post: { parameters, ...more } } } });
    const schema = { required: ["n"], properties: { n: { type: "number" } } };
    expect(post([{ name: "x", in: "body", required: true, schema }])).toEqual(['POST /a {"n":1}']);
    expect(post([{ name: "f", in: "formData", required: true, type: "string" }])).toEqual(["POST /a f=string"]);
    expect(post([{ name: "f", in: "formData", required: true, type: "file" }])).toEqual([
      expect.stringContaining('name="f"; filename="a.txt"'),
    ]);
  });

  test("ends where references loop, also through lists and allOf, and is bounded where they branch", () => {
    const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    const wide = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}`, ref("Wide")]));
    const schemas = {
      Self: ref("Self"),
      Node: { required: ["next"], properties: { next: ref("Node") } },
      List: { type: "array", minItems: 4, items: ref("List") },
      All: { allOf: [ref("All"), { required: ["a"], properties: { a: ref("All") } }] },
      Wide: { required: Object.keys(wide), properties: wide },
    };
    for (const name of Object.keys(schemas)) {
      const made = body({ "application/json": { schema: ref(name) } }, { schemas });
      expect(made?.body?.length, name).toBeLessThan(50_000);
    }
  });

  test("never comes from another document, and ids and keys of the prototype are plain keys", () => {
    const outside = { $ref: "file:///etc/passwd" };
    expect(body({ "application/json": { schema: outside } })?.body).toBe("null");
    expect(body({ "application/json": { schema: { $ref: "#/constructor/prototype" } } })?.body).toBe("null");
    const schema = JSON.parse('{"required": ["__proto__"], "properties": {"__proto__": {"const": {"polluted": 1}}}}');
    expect(body({ "application/json": { schema } })?.body).toBe('{"__proto__":{"polluted":1}}');
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});
