import { createRoute, z } from "@hono/zod-openapi";
import { AuditList } from "#contract/service/admin-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { pageAudit } from "../../db/page-audit.ts";
import { auditExample } from "../examples.ts";
import { cursor, limit, makeCursor, paged, readCursor, time } from "../query.ts";
import { answer, newRoutes, refusals } from "../route.ts";

const route = createRoute({
  method: "get",
  path: "/audit",
  tags: ["service"],
  summary: "Who changed what, newest first",
  ...allow("admin"),
  request: {
    query: z.strictObject({
      limit,
      cursor: cursor.optional(),
      actor: z.string().max(100).optional(),
      object: z.string().max(100).optional(),
      since: time().optional(),
      until: time().optional(),
    }),
  },
  responses: {
    200: answer(AuditList, "A page of entries.", { entries: [auditExample], next: makeCursor(4711) }),
    ...refusals(),
  },
});

export function auditRoutes({ db }: AppDeps) {
  return newRoutes().openapi(route, (c) => {
    const { limit: size, cursor: from, ...filters } = c.req.valid("query");
    const rows = pageAudit(db, { ...filters, before: readCursor(from), size: size + 1 });
    const { page, next } = paged(rows, size, (row) => row.seq);
    return c.json({ entries: page, next }, 200);
  });
}
