import { expect, test } from "vitest";
import type { Reason } from "../keep-set.ts";
import { layerOrder } from "./layer-order.ts";

test("parents stand before what is in them, whatever sorts between their names", () => {
  const reason: Reason = { kind: "observed", by: "default" };
  const kept = new Map(["/a/b", "/a-b", "/", "/a", "/a/b/c", "/a.b", "/a/a"].map((path) => [path, reason]));
  expect(layerOrder(kept)).toEqual(["/a", "/a/a", "/a/b", "/a/b/c", "/a-b", "/a.b"]);
});
