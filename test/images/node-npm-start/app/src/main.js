// A mill behind Fastify, started by npm. What a route needs it loads itself, most of it with a dynamic import.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import cookie from "@fastify/cookie";
import formbody from "@fastify/formbody";
import serve from "@fastify/static";
import view from "@fastify/view";
import fastify from "fastify";
import handlebars from "handlebars";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const app = fastify({ logger: false });
const sessions = new Map();

await app.register(cookie, { secret: "only a sample" });
await app.register(formbody);
await app.register(serve, { root: at("../public"), prefix: "/assets/" });
await app.register(view, {
  engine: { handlebars },
  root: at("pages"),
  layout: "layout.hbs",
  options: { partials: { sacks: "sacks.hbs" } },
});

app.get("/", (_request, reply) => reply.view("home.hbs", { title: "Mill", sacks: ["rye", "oats"] }));
app.get("/about", async (_request, reply) => {
  const { version } = JSON.parse(await readFile(at("../package.json"), "utf8"));
  return reply.view("about.hbs", { title: "About", version, lifecycle: process.env.npm_lifecycle_event });
});
app.get("/health", () => ({ ok: true }));
app.get("/warm", async () => JSON.parse(await readFile("/tmp/mill/warm.json", "utf8")));

const order = {
  schema: {
    body: {
      type: "object",
      required: ["grain", "sacks"],
      properties: { grain: { enum: ["rye", "oats"] }, sacks: { type: "integer", minimum: 1 } },
    },
  },
};
app.post("/orders", order, (request, reply) => reply.code(201).send({ ordered: request.body }));

app.post("/login", async (request, reply) => {
  const { scryptSync, timingSafeEqual, randomUUID } = await import("node:crypto");
  const stored = Buffer.from((await readFile(at("password.hex"), "utf8")).trim(), "hex");
  const given = scryptSync(String(request.body.password), "mill", 32, { N: 1024 });
  if (!timingSafeEqual(stored, given)) return reply.code(401).send({ error: "wrong password" });
  const id = randomUUID();
  sessions.set(id, request.body.user);
  return reply.setCookie("mill", id, { signed: true, path: "/", httpOnly: true }).redirect("/me", 303);
});
app.get("/me", (request, reply) => {
  const { valid, value } = request.unsignCookie(request.cookies.mill ?? "");
  return valid && sessions.has(value) ? { user: sessions.get(value) } : reply.code(403).send({ error: "log in" });
});

app.get("/settings", async () => {
  const { load } = await import("js-yaml");
  return load(await readFile(at("../settings.yaml"), "utf8"));
});
app.get("/time", async (request) => {
  const { DateTime } = await import("luxon");
  const time = DateTime.fromSeconds(1_700_000_000, { zone: request.query.zone }).setLocale("pt");
  return { valid: time.isValid, at: time.toFormat("cccc HH:mm ZZZZ") };
});
app.post("/clean", async (request) => {
  const { default: sanitize } = await import("sanitize-html");
  return { html: sanitize(request.body.html) };
});
app.get("/sql", async () => {
  // a WebAssembly module that is found beside the package's code
  const { default: open } = await import("sql.js");
  const { Database } = await open();
  const [{ values }] = new Database().exec("select sum(value) from json_each('[1, 2, 39]')");
  return { sum: values[0][0] };
});
app.get("/grind/:grain", async (request, reply) => {
  const { grain } = request.params;
  if (!/^[a-z]+$/.test(grain)) return reply.callNotFound();
  const mill = await import(`./grains/${grain}.js`).catch(() => undefined);
  return mill ? { flour: mill.grind() } : reply.callNotFound();
});
app.get("/zip", async (_request, reply) => {
  const { brotliCompressSync } = await import("node:zlib");
  return reply.header("content-encoding", "br").type("text/plain").send(brotliCompressSync("flour ".repeat(100)));
});
app.get("/child", async () => {
  const { spawnSync } = await import("node:child_process");
  const { stdout } = spawnSync(process.execPath, [at("child.js"), "husk"], { encoding: "utf8" });
  return { child: stdout.trim() };
});
app.get("/tls", async () => (await import("./self-request.js")).selfRequest());
app.get("/boom", () => {
  throw new Error("asked for");
});

app.setNotFoundHandler((request, reply) => reply.code(404).view("missing.hbs", { title: "Lost", url: request.url }));
app.setErrorHandler(async (error, _request, reply) => {
  if (error.validation) return reply.code(422).send({ invalid: error.validation.map(({ message }) => message) });
  return reply.code(500).view("broken.hbs", { title: "Jammed", detail: error.message });
});

await app.listen({ host: "0.0.0.0", port: Number(process.env.PORT ?? 3000) });
console.log("milling");
process.once("SIGTERM", async () => {
  const { farewell } = await import("./farewell.js");
  await app.close();
  console.log(farewell());
  process.exit(0);
});
