import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Probe } from "#contract/job.ts";
import type { Answer } from "#contract/report.ts";
import { bodyOf, failedAnswer, targetOf } from "./answer.ts";
import { compareAnswers, noiseOf } from "./compare.ts";

const home = Probe.parse({ kind: "http", resource: "/" });

function anAnswer({ body = "hello", ...rest }: Partial<Answer> & { body?: string | Buffer } = {}): Answer {
  const probe = rest.probe ?? home;
  const contentType = rest.contentType === undefined ? "text/html; charset=utf-8" : rest.contentType;
  return {
    scenario: "default",
    probe,
    target: targetOf(probe, 80),
    status: 200,
    exitCode: null,
    error: null,
    durationMs: 1,
    ...bodyOf(Buffer.from(body), contentType, []),
    ...rest,
    contentType,
  };
}

const json = (value: unknown) => anAnswer({ contentType: "application/json", body: JSON.stringify(value) });
const fields = (fat: Answer, slim: Answer) => compareAnswers([fat], [slim]).map(({ field }) => field);

describe("compareAnswers", () => {
  test("equal answers do not differ, however long they took", () => {
    expect(compareAnswers([anAnswer()], [anAnswer({ durationMs: 99 })])).toEqual([]);
    expect(compareAnswers([anAnswer({ status: 500 })], [anAnswer({ status: 500 })])).toEqual([]);
  });

  test("what a health check writes may differ, its exit code may not", () => {
    const health = { tries: 1, everyMs: 1, timeoutMs: 1 };
    const probe = Probe.parse({ kind: "exec", argv: ["curl"], health });
    const check = (exitCode: number, body: string) =>
      anAnswer({ probe, status: null, exitCode, body, contentType: null });
    expect(fields(check(0, "3 kB/s"), check(0, "9 kB/s"))).toEqual([]);
    expect(fields(check(0, "3 kB/s"), check(1, "9 kB/s"))).toEqual(["exit"]);
  });

  test("each field is told apart", () => {
    expect(compareAnswers([anAnswer()], [anAnswer({ status: 500, contentType: "text/plain", body: "oops" })])).toEqual([
      { scenario: "default", target: "http://:80/", field: "status", fat: "200", slim: "500" },
      {
        scenario: "default",
        target: "http://:80/",
        field: "content-type",
        fat: "text/html; charset=utf-8",
        slim: "text/plain",
      },
      { scenario: "default", target: "http://:80/", field: "body", fat: 'word 0 = "hello"', slim: 'word 0 = "oops"' },
    ]);
    const probe = Probe.parse({ kind: "exec", argv: ["true"] });
    const exit = (exitCode: number) => anAnswer({ probe, status: null, contentType: null, exitCode, body: "" });
    expect(compareAnswers([exit(0)], [exit(127)])).toMatchObject([
      { target: "exec true", field: "exit", fat: "0", slim: "127" },
    ]);
  });

  test("content types are compared by media type and charset", () => {
    expect(fields(anAnswer(), anAnswer({ contentType: 'Text/HTML;Charset="UTF-8"' }))).toEqual([]);
    expect(
      fields(
        anAnswer({ contentType: "multipart/mixed; boundary=a" }),
        anAnswer({ contentType: "multipart/mixed; boundary=b" }),
      ),
    ).toEqual([]);
    expect(fields(anAnswer(), anAnswer({ contentType: "text/html; charset=latin1" }))).toEqual(["content-type"]);
    expect(fields(anAnswer({ contentType: null }), anAnswer())).toEqual(["content-type"]);
  });

  test("an error against an answer is one difference, two different errors are one, the same error is none", () => {
    const refused = failedAnswer("default", home, 80, "ECONNREFUSED: no connection to port 80", 1);
    expect(compareAnswers([anAnswer()], [refused])).toMatchObject([
      { field: "error", fat: "status 200, 5 bytes", slim: "ECONNREFUSED: no connection to port 80" },
    ]);
    expect(fields(refused, anAnswer())).toEqual(["error"]);
    expect(fields(refused, { ...refused, error: "no answer within 50 ms" })).toEqual(["error"]);
    expect(fields(refused, { ...refused, durationMs: 7 })).toEqual([]);
  });

  test("a body that was cut off in both is not compared", () => {
    const error = "the body did not end within 50 ms";
    expect(fields(anAnswer({ error, body: "a" }), anAnswer({ error, body: "ab" }))).toEqual([]);
    expect(fields(anAnswer({ error, body: "a" }), anAnswer({ body: "ab" }))).toEqual(["error"]);
  });

  test("missing and additional answers are found, also of repeated probes and other scenarios", () => {
    const other = anAnswer({ target: "http://:81/" });
    expect(compareAnswers([anAnswer(), other], [anAnswer()])).toMatchObject([
      { target: "http://:81/", field: "missing" },
    ]);
    expect(compareAnswers([anAnswer()], [anAnswer(), other])).toMatchObject([
      { target: "http://:81/", field: "extra" },
    ]);
    expect(compareAnswers([anAnswer(), anAnswer()], [anAnswer()])).toMatchObject([{ field: "missing" }]);
    expect(fields(anAnswer(), anAnswer({ scenario: "second" }))).toEqual(["missing", "extra"]);
    const post = Probe.parse({ kind: "http", method: "POST", resource: "/" });
    expect(fields(anAnswer(), anAnswer({ probe: post }))).toEqual(["missing", "extra"]);
  });

  test("an application that lost TLS is compared with what it was", () => {
    const slim = anAnswer({ target: "http://:80/", status: 400 });
    expect(compareAnswers([anAnswer({ target: "https://:80/" })], [slim])).toMatchObject([
      { target: "https://:80/", field: "status" },
    ]);
  });

  test("bodies are compared normalised, and whole", () => {
    expect(
      fields(anAnswer({ body: "at 2025-07-01T10:52:37Z" }), anAnswer({ body: "at 2026-01-01T00:00:00Z" })),
    ).toEqual([]);
    const long = (end: string) => anAnswer({ body: `${"x ".repeat(100_000)}${end}` });
    expect(fields(long("10:52:37"), long("00:00:00"))).toEqual([]);
    expect(fields(long("a"), long("b"))).toEqual(["body"]);
  });

  test("bytes that are not text are compared by hash", () => {
    const image = (last: number) => anAnswer({ contentType: "image/png", body: Buffer.from([0x89, 0x50, 0xff, last]) });
    expect(fields(image(0xfe), image(0xfe))).toEqual([]);
    expect(fields(image(0xfe), image(0xfd))).toEqual(["body"]);
  });

  test("JSON is compared by value and path, keys in any order, lists in theirs", () => {
    expect(fields(json({ a: 1, b: { c: 2, d: 3 } }), json({ b: { d: 3, c: 2 }, a: 1 }))).toEqual([]);
    expect(
      compareAnswers([json({ a: [1, { "odd key": "x" }], gone: null })], [json({ a: [1, { "odd key": "y" }, 3] })]),
    ).toMatchObject([
      { fat: "$.a.length() = 2", slim: "$.a.length() = 3" },
      { fat: '$.a[1]["odd key"] = "x"', slim: '$.a[1]["odd key"] = "y"' },
      { fat: "$.gone = null", slim: "$.gone is missing" },
    ]);
    expect(fields(json([1, 2]), json([2, 1]))).toEqual(["body", "body"]);
    expect(fields(json({ a: [] }), json({ a: {} }))).toEqual(["body"]);
    expect(fields(json({}), json({ toString: 1 }))).toEqual(["body"]);
  });

  test("any two different JSON values differ, and equal ones do not", () => {
    const value = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()));
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(fields(json(a), json(structuredClone(a)))).toEqual([]);
        const differ =
          bodyOf(Buffer.from(JSON.stringify(a)), null, []).bodySha256 !==
          bodyOf(Buffer.from(JSON.stringify(b)), null, []).bodySha256;
        if (!differ) expect(fields(json(a), json(b))).toEqual([]);
        else if (!sameValue(a, b)) expect(fields(json(a), json(b)).length).toBeGreaterThan(0);
      }),
    );
  });
});

/** Equality by value, independent of the order of keys. */
function sameValue(a: unknown, b: unknown): boolean {
  try {
    expect(JSON.parse(JSON.stringify(a))).toEqual(JSON.parse(JSON.stringify(b)));
    return true;
  } catch {
    return false;
  }
}

describe("noise", () => {
  test("a field that differs between two fat runs is not counted, the others are", () => {
    const noise = noiseOf([json({ visits: 1, name: "a" })], [json({ visits: 2, name: "a" })]);
    expect(noise).toMatchObject([{ field: "body", fat: "$.visits = 1" }]);
    expect(compareAnswers([json({ visits: 1, name: "a" })], [json({ visits: 9, name: "a" })], noise)).toEqual([]);
    expect(compareAnswers([json({ visits: 1, name: "a" })], [json({ visits: 9, name: "b" })], noise)).toMatchObject([
      { fat: '$.name = "a"' },
    ]);
    expect(
      compareAnswers(
        [json({ visits: 1 })],
        [anAnswer({ contentType: "application/json", body: "Internal error" })],
        noise,
      ),
    ).toHaveLength(1);
  });

  test("noise in one item of a list is noise in all of them", () => {
    const list = (...ids: number[]) => json({ items: ids.map((id) => ({ id, kind: "k" })) });
    const noise = noiseOf([list(1, 2)], [list(1, 3)]);
    expect(compareAnswers([list(1, 2)], [list(7, 8)], noise)).toEqual([]);
    expect(compareAnswers([list(1, 2)], [list(1)], noise)).toMatchObject([{ fat: "$.items.length() = 2" }]);
  });

  test("a key that looks like a path is no other place", () => {
    const noise = noiseOf([json({ "a = 1": 1 })], [json({ "a = 1": 2 })]);
    expect(compareAnswers([json({ a: 1 })], [json({ a: 2 })], noise)).toHaveLength(1);
    expect(
      compareAnswers([json({ "[0]": 1 })], [json({ "[0]": 2 })], noiseOf([json({ "[1]": 1 })], [json({ "[1]": 2 })])),
    ).toHaveLength(1);
  });

  test("a token in a page hides itself and nothing else", () => {
    const page = (token: string, title = "Shop") => anAnswer({ body: `<h1>${title}</h1><input value="${token}">` });
    const noise = noiseOf([page("q1w2")], [page("e3r4")]);
    expect(compareAnswers([page("q1w2")], [page("zzzz")], noise)).toEqual([]);
    expect(compareAnswers([page("q1w2")], [page("zzzz", "Error")], noise)).toMatchObject([
      { fat: 'word 4 = "Shop"', slim: 'word 4 = "Error"' },
    ]);
  });

  test("a body that is never the same hides itself and neither status nor another target", () => {
    const body = (text: string) => anAnswer({ body: text });
    const noise = noiseOf([body("a b c")], [body("a")]);
    expect(compareAnswers([body("a b c")], [body("x y")], noise)).toEqual([]);
    expect(compareAnswers([body("a")], [anAnswer({ status: 404, body: "x" })], noise)).toMatchObject([
      { field: "status" },
    ]);
    const elsewhere = { target: "http://:81/" };
    expect(
      compareAnswers([anAnswer({ ...elsewhere, body: "a" })], [anAnswer({ ...elsewhere, body: "b" })], noise),
    ).toHaveLength(1);
  });

  test("a run compared with itself has no noise", () => {
    const answers = [anAnswer(), json({ a: 1 }), failedAnswer("default", home, null, "no port is listening", 0)];
    expect(noiseOf(answers, answers)).toEqual([]);
  });
});
