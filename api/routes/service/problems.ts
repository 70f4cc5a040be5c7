import { OpenAPIHono } from "@hono/zod-openapi";
import { html } from "hono/html";
import { type ErrorCode, errors } from "#contract/error.ts";
import type { AppEnv } from "../../app-env.ts";
import { notFound, titleOf } from "../../problem.ts";
import { meanings } from "./problem-meanings.ts";

const blames = {
  request: "What was asked for has to change.",
  image: "The image has to change, or how it is exercised.",
  system: "Neither the request nor the image is at fault.",
};

/** `/problems/CODE`, to which the `type` of each problem leads: a page for whoever reads a log. */
export function problemRoutes() {
  const routes = new OpenAPIHono<AppEnv>();
  const codes = Object.keys(errors).filter(isCode).sort();
  routes.get("/problems", (c) => {
    const items = codes.map(
      (code) => html`<li><a href="/problems/${code}"><code>${code}</code></a> ${meanings[code]}</li>`,
    );
    return c.html(page("Problems", html`<h1>Problems</h1><ul>${items}</ul>`));
  });
  routes.get("/problems/:code", (c) => {
    const code = c.req.param("code");
    if (!isCode(code)) throw notFound(c.req.path);
    const { status, retryable, blame } = errors[code];
    const again = retryable ? "The same request may succeed later." : "The same request will fail again.";
    const body = html`<h1>${titleOf(code)}</h1>
      <p><code>${code}</code>, HTTP status ${status}</p>
      <p>${meanings[code]}</p>
      <p>${blames[blame]} ${again}</p>
      <p><a href="/problems">All problems</a></p>`;
    return c.html(page(titleOf(code), body));
  });
  return routes;
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(errors, text);
}

function page(title: string, body: unknown) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title} · Winnow</title>
      </head>
      <body>
        ${body}
      </body>
    </html>`;
}
