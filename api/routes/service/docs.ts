import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "../../app-env.ts";
import { openApiDocument } from "../../openapi/document.ts";
import { matches } from "../send-bytes.ts";

/** Everything from here, nothing inline. */
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Winnow API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<noscript><p>This page needs scripts. The document itself: <a href="/openapi.json">/openapi.json</a>.</p></noscript>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null, persistAuthorization: false });
`;

/** What the page needs of swagger-ui-dist. */
const files: Record<string, string> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
};

/** The document at /openapi.json, and at /docs a page to read it and to try it out. For everybody: it says nothing of this server. */
export function docsRoutes(whole: () => OpenAPIHono<AppEnv>) {
  const routes = new OpenAPIHono<AppEnv>();
  let known: { text: string; etag: string } | undefined;
  const document = () => {
    const text = known?.text ?? JSON.stringify(openApiDocument(whole()));
    known ??= { text, etag: `"${createHash("sha256").update(text).digest("base64url")}"` };
    return known;
  };
  routes.get("/openapi.json", (c) => {
    const { text, etag } = document();
    c.header("etag", etag);
    c.header("cache-control", "no-cache");
    if (matches(c.req.header("if-none-match"), etag)) return c.body(null, 304);
    c.header("content-type", "application/json");
    return c.body(text);
  });
  routes.get("/docs", (c) => {
    c.header("content-security-policy", pagePolicy);
    return c.html(page);
  });
  routes.get("/docs/start.js", (c) => {
    c.header("content-type", "text/javascript; charset=utf-8");
    return c.body(start);
  });
  for (const [name, mediaType] of Object.entries(files)) {
    routes.get(`/docs/${name}`, async (c) => {
      c.header("content-type", mediaType);
      c.header("cache-control", "public, max-age=86400");
      return c.body(new Uint8Array(await readFile(join(swaggerFolder(), name))));
    });
  }
  return routes;
}

function swaggerFolder(): string {
  return dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
}
