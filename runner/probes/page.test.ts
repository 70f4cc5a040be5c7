import { expect, test } from "vitest";
import { holdPages, type Page } from "./page.ts";

const page = (bytes: number): Page => ({
  probe: { kind: "http", method: "GET", resource: "/", headers: [] },
  port: 80,
  outcome: {
    protocol: "http",
    status: 200,
    contentType: "text/html",
    location: null,
    body: Buffer.alloc(bytes),
    fault: null,
    error: null,
    said: Buffer.alloc(0),
    durationMs: 1,
  },
});

test("pages are held with their bodies until these are 256 MiB, and without them after that", () => {
  const { pages, hold, isFull } = holdPages();
  const large = page(100 << 20);
  hold(large);
  hold(large);
  expect(isFull()).toBe(false);
  hold(large);
  expect(pages.map(({ outcome }) => outcome.body.length >> 20)).toEqual([100, 100, 0]);
  expect(isFull()).toBe(true);
});
