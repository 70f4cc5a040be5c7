import { describe, expect, test } from "vitest";
import { parseHar } from "./har.ts";

type Request = { method?: string; url: string; headers?: Record<string, string>; postData?: object };
const har = (...requests: Request[]) =>
  JSON.stringify({
    log: {
      version: "1.2",
      entries: requests.map(({ method = "GET", url, headers = {}, postData }) => ({
        request: { method, url, headers: Object.entries(headers).map(([name, value]) => ({ name, value })), postData },
        response: { status: 200 },
      })),
    },
  });
const read = (...requests: Request[]) => parseHar(har(...requests), "a.har");

describe("the requests of a HAR file", () => {
  test("are those to the host of the first one, in their order, each once", () => {
    const probes = read(
      { url: "https://shop.example/?a=1#top" },
      { url: "https://cdn.example/lib.js" },
      { url: "https://shop.example/cart" },
      { url: "https://shop.example/?a=1" },
      { url: "data:text/plain,x" },
    );
    expect(probes).toEqual([
      { kind: "http", method: "GET", resource: "/?a=1", headers: [], body: undefined },
      { kind: "http", method: "GET", resource: "/cart", headers: [], body: undefined },
    ]);
  });

  test("are those to the host that is named, with its port", () => {
    const text = har({ url: "https://login.example/" }, { url: "http://localhost:8080/x" });
    expect(parseHar(text, "a.har", "localhost:8080").map((probe) => probe.resource)).toEqual(["/x"]);
    expect(() => parseHar(text, "a.har", "other.example")).toThrow(/no request to other\.example/);
  });

  test("carry no cookie, authorization or header of unknown meaning", () => {
    const headers = {
      Cookie: "sid=1",
      Authorization: "Bearer x",
      "X-Api-Key": "k",
      ":authority": "a",
      Accept: "text/html",
    };
    expect(read({ url: "http://a/", headers })[0]?.headers).toEqual([["accept", "text/html"]]);
  });

  test("keep bodies without the credentials in them", () => {
    const json = { mimeType: "application/json", text: '{"user":"ada","password":"straw","deep":{"apiKey":7,"n":1}}' };
    const form = {
      mimeType: "application/x-www-form-urlencoded",
      params: [
        { name: "user", value: "a b" },
        { name: "csrf_token", value: "t" },
      ],
    };
    const [first, second] = read(
      { method: "POST", url: "http://a/login?next=/&access_token=abc", postData: json },
      { method: "POST", url: "http://a/form", postData: form },
    );
    expect(first?.body).toBe('{"user":"ada","password":"redacted","deep":{"apiKey":"redacted","n":1}}');
    expect(first?.resource).toBe("/login?next=/&access_token=redacted");
    expect(first?.headers).toEqual([["content-type", "application/json"]]);
    expect(second?.body).toBe("user=a+b&csrf_token=redacted");
  });

  test("of a file that is none are refused with what is wrong", () => {
    expect(() => parseHar("<html>", "a.har")).toThrow(/HAR file a\.har: it is no HAR file/);
    expect(() => parseHar('{"log":{"entries":[{"request":{"method":1}}]}}', "a.har")).toThrow(
      /log\.entries\.0\.request\.method/,
    );
    expect(() => read()).toThrow(/no HTTP request/);
  });
});
