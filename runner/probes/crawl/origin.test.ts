import { expect, test } from "vitest";
import { loopbackHosts, resourceOf } from "./origin.ts";

const origin = { protocol: "http", port: 8080, hosts: new Set([...loopbackHosts, "winnow"]) } as const;
const from = (base: string) => (reference: string) => resourceOf(reference, base, origin);

test.each([
  ["/a", "/a"],
  ["b?x=1#part", "/docs/b?x=1"],
  ["../c d", "/c%20d"],
  ["?page=2", "/docs/index?page=2"],
  ["//localhost/e", "/e"],
  ["http://127.0.0.1:8080/f", "/f"],
  ["http://winnow/g", "/g"],
  ["http://LOCALHOST:8080", "/"],
  ["/docs/shutdown-hooks", "/docs/shutdown-hooks"],
])("%s leads to %s", (reference, resource) => {
  expect(from("/docs/index")(reference)).toBe(resource);
});

test.each([
  "#top",
  "",
  "mailto:a@example.org",
  "javascript:void(0)",
  "data:image/png;base64,AAAA",
  "https://localhost/",
  "http://localhost:9090/",
  "http://example.org/",
  "//example.org/x",
  "http://[",
  "/account/logout",
  "/sign-out/?next=/",
  "/actuator/shutdown",
  `/${"x".repeat(3000)}`,
])("%s leads nowhere that a crawl goes", (reference) => {
  expect(from("/docs/index")(reference)).toBeUndefined();
});
