import { expect, it } from "vitest";
import { pauseAfter, retrying } from "./back-off.ts";
import { isWorthRetrying, Refusal, refusalOf } from "./refusal.ts";

const pace = { retryMs: 1000, maxRetryMs: 30_000 };

it("pauses double up to the longest, give or take a fifth", () => {
  const middle = () => 0.5;
  expect([1, 2, 3, 5, 6, 60].map((failed) => pauseAfter(failed, pace, middle))).toEqual([
    1000, 2000, 4000, 16_000, 30_000, 30_000,
  ]);
  expect(pauseAfter(1, pace, () => 0)).toBe(800);
  expect(pauseAfter(60, pace, () => 1)).toBeCloseTo(36_000);
});

const problem = (status: number, code: string, more: object = {}) =>
  new Response(
    JSON.stringify({
      ...{ type: `/problems/${code}`, code, title: code, status, detail: "It is so.", hint: "Do this.", instance: "/" },
      ...{ requestId: "r", ...more },
    }),
    { status },
  );

it("a problem document becomes an error with its code", async () => {
  const refusal = await refusalOf(problem(503, "database.busy", { retryAfterMs: 70 }), "POST /x");
  expect(refusal).toMatchObject({ code: "database.busy", message: "It is so.", hint: "Do this.", status: 503 });
  expect(refusal.retryAfterMs).toBe(70);
});

it.each([
  ["7", 7000],
  [new Date(Date.now() + 60_000).toUTCString(), 60_000],
  ["soon", null],
])("Retry-After: %s is understood", async (value, ms) => {
  const { retryAfterMs } = await refusalOf(new Response("", { status: 429, headers: { "retry-after": value } }), "x");
  if (ms === null) expect(retryAfterMs).toBeNull();
  else expect(Math.abs((retryAfterMs ?? 0) - ms)).toBeLessThan(2000);
});

it.each([
  [401, "token.missing", false],
  [403, "token.denied", false],
  [404, "route.not-found", false],
  [408, "request.timeout", true],
  [409, "lease.lost", false],
  [422, "route.not-found", false],
  [426, "protocol.too-old", false],
  [429, "request.rate-limited", true],
  [500, "service.unreachable", true],
  [502, "service.unreachable", true],
  [503, "service.unreachable", true],
])("a %i from whoever it is is %s, worth another try: %s", async (status, code, isWorth) => {
  const refusal = await refusalOf(new Response("<h1>no</h1>", { status }), "x");
  expect(refusal.code).toBe(code);
  expect(isWorthRetrying(refusal)).toBe(isWorth);
});

it("what is final is not tried again, and an abort ends the trying", async () => {
  const signal = new AbortController();
  let tries = 0;
  const fails = (status: number | null) => async (): Promise<never> => {
    tries += 1;
    if (tries === 3) signal.abort(new Error("enough"));
    throw new Refusal({ code: "internal", message: "no", hint: "" }, { status });
  };
  const quick = { pace: { retryMs: 1, maxRetryMs: 2 }, signal: signal.signal };
  await expect(retrying(fails(422), quick)).rejects.toMatchObject({ status: 422 });
  expect(tries).toBe(1);
  await expect(retrying(fails(null), quick)).rejects.toThrow("enough");
  expect(tries).toBe(3);
});
