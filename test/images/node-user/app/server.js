// Runs as a user of its own, keeps its state in a volume, and loads nearly everything on demand.
import { execFile } from "node:child_process";
import { appendFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const data = process.env.DATA_DIR ?? "/data";
const here = (path) => new URL(path, import.meta.url);
const text = (body, status = 200) => ({ status, type: "text/plain; charset=utf-8", body });
const json = (value, status = 200) => ({ status, type: "application/json", body: JSON.stringify(value) });

const routes = {
  "/": async () => {
    const { default: mustache } = await import("mustache");
    const page = await readFile(here("pages/home.mustache"), "utf8");
    return { status: 200, type: "text/html", body: mustache.render(page, { motto: process.env.MOTTO }) };
  },
  "/health": () => text("fine"),
  "/env": () => json({ motto: process.env.MOTTO, quoted: process.env.QUOTED }),
  "/whoami": () => {
    const { username, uid, gid, homedir: home } = userInfo();
    return json({ username, uid, gid, home });
  },
  "/groups": async () => text((await promisify(execFile)("id", ["-Gn"])).stdout),
  "/settings": async () => {
    const { parse } = await import("yaml");
    return json(parse(await readFile("/etc/sample/settings.yaml", "utf8")));
  },
  "/seed": async () => json({ names: (await readdir(data)).filter((name) => name.endsWith(".txt")).sort() }),
  "/seed/first": async () => text(await readFile(join(data, "first.txt"), "utf8")),
  "/visits": async () => {
    await appendFile(join(data, "visits.log"), "visit\n");
    return json({ visits: (await readFile(join(data, "visits.log"), "utf8")).split("\n").length - 1 });
  },
  "/scratch": async () => {
    await mkdir(join(homedir(), "scratch"), { recursive: true });
    await writeFile(join(homedir(), "scratch", "note"), "home");
    await writeFile(join(tmpdir(), "note"), "tmp");
    return text(`${await readFile(join(homedir(), "scratch", "note"))} ${await readFile(join(tmpdir(), "note"))}`);
  },
};

async function answer(path) {
  const route = routes[path];
  if (route) return route();
  return { status: 404, type: "text/html", body: await readFile(here("pages/404.html"), "utf8") };
}

const server = createServer(async (request, response) => {
  const reply = await answer(new URL(request.url, "http://sample").pathname).catch((error) => text(error.message, 500));
  response.writeHead(reply.status, { "content-type": reply.type }).end(reply.body);
});
server.listen(8080, () => console.log("ready"));
process.on("SIGINT", () => {
  console.log("asked to stop by SIGINT");
  process.exit(0);
});
