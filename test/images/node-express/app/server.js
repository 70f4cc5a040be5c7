"use strict";
// A small shop of features that real applications have: most of them are loaded by the request that needs them first,
// so that a tool which only asks for "/" sees almost nothing of it.
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const express = require("express");

const app = express();
const at = (...parts) => path.join(__dirname, ...parts);

app.set("views", at("views"));
app.set("view engine", "ejs");
app.disable("x-powered-by");
app.use(express.json());
app.use(express.urlencoded({ extended: true }));
app.use("/static", express.static(at("public"), { maxAge: "1h" }));

app.get("/", (_request, response) => response.render("home", { title: "Sample shop", items: items() }));
app.get("/about", (_request, response) => response.render("about", { title: "About", versions: process.versions }));
app.get("/health", (_request, response) => response.type("text/plain").send("ok\n"));

const items = () => JSON.parse(fs.readFileSync(at("public", "data", "items.json"), "utf8"));
app.get("/api/items", (_request, response) => response.json(items()));
app.get("/api/items/:id", (request, response, next) => {
  const item = items().find(({ id }) => id === Number(request.params.id));
  if (item) response.json(item);
  else next();
});
app.post("/api/echo", (request, response) => response.status(201).json({ received: request.body }));

app.get("/api/time", (request, response) => {
  const zone = String(request.query.zone ?? "UTC");
  const format = new Intl.DateTimeFormat("de-DE", { timeZone: zone, dateStyle: "full", timeStyle: "long" });
  response.json({ zone, at: format.format(new Date(1_700_000_000_000)) });
});

// Named by the request: no reading of the source can tell which of the locales are wanted.
app.get("/greet/:language", (request, response, next) => {
  if (!/^[a-z]{2}$/.test(request.params.language)) return next();
  fs.readFile(at("locales", `${request.params.language}.json`), "utf8", (error, text) => {
    if (error) next();
    else response.type("text/plain").send(`${JSON.parse(text).hello}\n`);
  });
});

app.get("/guide", (_request, response) => {
  const { marked } = require("marked");
  response.send(marked.parse(fs.readFileSync(at("docs", "guide.md"), "utf8")));
});
app.get("/qr", async (request, response) => {
  const image = await require("qrcode").toBuffer(String(request.query.text ?? "winnow"));
  response.type("image/png").send(image);
});
app.post("/hash", async (request, response) => {
  const bcrypt = require("bcrypt"); // a native addon: an ELF file that dlopen finds
  const hash = await bcrypt.hash(String(request.body.password), 4);
  response.json({ matches: await bcrypt.compare(String(request.body.password), hash) });
});
app.get("/sum/:limit", (request, response, next) => {
  const { Worker } = require("node:worker_threads");
  const worker = new Worker(at("lib", "sum-worker.js"), { workerData: Number(request.params.limit) });
  worker.once("message", (sum) => response.json({ sum })).once("error", next);
});
app.get("/kernel", (_request, response, next) => {
  require("node:child_process").execFile("/bin/sh", ["-c", "uname -s | tr A-Z a-z"], (error, stdout) => {
    if (error) next(error);
    else response.type("text/plain").send(stdout);
  });
});
app.get("/dns", (_request, response, next) => {
  require("node:dns").lookup("localhost", { family: 4 }, (error, address) => (error ? next(error) : response.json({ address })));
});
app.get("/tls", (_request, response, next) => {
  require("./lib/self-request.js").selfRequest().then((answer) => response.json(answer), next);
});
app.get("/plugin/:name", (request, response, next) => {
  if (!/^[a-z]+$/.test(request.params.name)) return next();
  try {
    response.json({ says: require(`./lib/plugin-${request.params.name}`)() });
  } catch (error) {
    if (error.code === "MODULE_NOT_FOUND") next();
    else next(error);
  }
});
app.get("/boom", () => {
  throw new Error("asked for");
});

app.use((request, response) => response.status(404).render("error", { title: "Not found", detail: request.path }));
app.use((error, _request, response, _next) =>
  response.status(500).render("error", { title: "Something broke", detail: error.message }),
);

const server = http.createServer(app).listen(Number(process.env.PORT ?? 3000), "0.0.0.0", () => console.log("listening"));
process.on("SIGTERM", () => {
  // Shutting down is code too: it writes a summary with a module that nothing else needs.
  console.log(require("./lib/farewell.js")(process.uptime()));
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
