import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalise } from "./normalise.ts";

describe("normalise", () => {
  test.each([
    ["Tue, 01 Jul 2025 10:52:37 GMT", "<date>"],
    ["Tue, 1 Jul 2025 10:52:37 +0200", "<date>"],
    ["Sunday? Sun Nov  6 08:49:37 1994", "Sunday? <date>"],
    ["Tue Jul  1 10:52:37 UTC 2025", "<date>"],
    ['10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET"', '10.0.0.1 - - [<date>] "GET"'],
    ['{"at":"2025-07-01T10:52:37.123Z"}', '{"at":"<date>"}'],
    ["2025-07-01 10:52:37,123 INFO", "<date> INFO"],
    ["now 10:52:37.", "now <time>."],
    ['"timestamp": 1751367157123,', '"timestamp": 0,'],
    ['{"created_at":1751367157}', '{"created_at":0}'],
    ["startTime=1751367157.25", "startTime=0"],
    ['"uptime": 12.5', '"uptime": 0'],
    ["uptime_seconds: 7", "uptime_seconds: 0"],
    ["id 6ba7b810-9dad-11d1-80b4-00c04fd430c8!", "id <uuid>!"],
    ["<object at 0x7f3a5c0d1e20>", "<object at <address>>"],
    ["session=9f86d081884c7d659a2feaa0c55ad015", "session=<hex>"],
    ['ETag: W/"abc-123"', 'ETag: W/"<etag>"'],
    ['{"etag":"\\"abc-123\\""}', '{"etag":"\\"<etag>\\""}'],
    ["took 12 ms, 0.031s", "took 0 ms, 0s"],
    ["pid=4711 (PID: 12) nginx[31337]: up", "pid=0 (PID: 0) nginx[0]: up"],
    ["from 172.17.0.3:45612", "from 172.17.0.3:0"],
  ])("%j becomes %j", (text, normal) => {
    expect(normalise(text)).toBe(normal);
  });

  test.each([
    "on 2025-07-01",
    "port 8080 of 127.0.0.1:8080",
    "3.141592653589793238462643",
    "deadbeef and beefdeadbeefdeadbeef",
    "12 apples, 3 seconds, version 1.2.3",
    '{"price": 1751367157, "count": 12}',
    "mac 01:02:03:04:05:06",
    "a 15 digit 0123456789abcde",
    "list[3] rapid 5",
  ])("%j stays", (text) => {
    expect(normalise(text)).toBe(text);
  });

  test("the container's own names are masked as whole words, the longer first", () => {
    const id = "9c1f0a7d3b5e";
    expect(normalise(`host ${id}, ${id}aa, db.${id}.local, node 10.0.0.7`, ["10.0.0.7", id, "", `${id}aa`])).toBe(
      "host <self>, <self>, db.<self>.local, node <self>",
    );
    expect(normalise("web server, cobweb, a+b", ["web", "a+b"])).toBe("<self> server, cobweb, <self>");
  });

  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "2025-07-01T10:52:37Z",
      "10:52:37",
      "time=1751367157",
      "pid 12",
      "x[12]:",
      "12 ms",
      "0x7f3a5c0d1e20",
      'etag: "a"',
      "1.2.3.4:45612",
    ),
  );

  test("normalising twice is the same as once", () => {
    fc.assert(
      fc.property(fc.array(piece), (parts) => {
        const once = normalise(parts.join(" "));
        expect(normalise(once)).toBe(once);
      }),
      { numRuns: 500 },
    );
  });

  test("JSON stays JSON", () => {
    const value = fc.oneof(fc.jsonValue(), fc.integer({ min: 1_000_000_000, max: 2_000_000_000 }), fc.double(), piece);
    const key = fc.constantFrom("time", "timestamp", "uptime", "pid", "elapsed", "etag", "name", "exp");
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.constantFrom(0, 2), (object, indent) => {
        expect(() => JSON.parse(normalise(JSON.stringify(object, null, indent)))).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });
});
