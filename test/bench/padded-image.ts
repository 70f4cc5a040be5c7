import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { pack } from "tar-stream";
import { buildSettings } from "../images/build.ts";
import { testLabel } from "./bench.ts";

const hashLabel = "dev.winnow.bench.hash";
const mtime = new Date("2024-01-01T00:00:00Z");

/** How much an image holds that its application never touches. */
export type Padding = { name: string; files: number; bytes: number };

const dockerfile = `ARG BASE
FROM \${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends nodejs && apt-get clean
COPY server.js /app/
WORKDIR /app
EXPOSE 8080
CMD ["node", "server.js"]
COPY padding.js /tmp/
ARG FILES
ARG BYTES
RUN node /tmp/padding.js "$FILES" "$BYTES"
`;

const server = `const page = require("node:fs").readFileSync(__filename);
require("node:http").createServer((_, answer) => answer.end(page)).listen(8080);
process.on("SIGTERM", () => process.exit(0));
`;

/** Bytes of a stream cipher do not compress, and come out the same wherever they are made. */
const padding = `const { createCipheriv } = require("node:crypto");
const { mkdirSync, writeFileSync } = require("node:fs");
const [files, bytes] = process.argv.slice(2).map(Number);
const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
const zeros = Buffer.alloc(Math.round(bytes / files));
for (let at = 0; at < files; at += 1) {
  const directory = "/opt/padding/" + (at % 20) + "/" + (Math.floor(at / 20) % 25);
  if (at < 500) mkdirSync(directory, { recursive: true });
  writeFileSync(directory + "/" + at, stream.update(zeros));
}
`;

/** Builds `winnow-bench-NAME:latest`: a small server on the samples' base, and padding. Once; what was built is found by its hash. */
export async function buildPadded(docker: Docker, { name, files, bytes }: Padding): Promise<string> {
  const { base, env } = buildSettings(process.env);
  const image = `winnow-bench-${name}:latest`;
  const { Id: baseId } = await docker.getImage(base).inspect();
  const sources = { Dockerfile: dockerfile, "server.js": server, "padding.js": padding };
  const hash = createHash("sha256")
    .update(JSON.stringify([baseId, sources, files, bytes]))
    .digest("hex");
  const before = await docker
    .getImage(image)
    .inspect()
    .catch(() => undefined);
  if (before?.Config.Labels?.[hashLabel] === hash) return image;

  const context = pack();
  for (const [file, content] of Object.entries(sources)) context.entry({ name: file, mtime }, content);
  context.finalize();
  const proxies = ["http_proxy", "https_proxy", "no_proxy"].flatMap((key) => {
    const value = env[key] ?? env[key.toUpperCase()];
    return value ? [[key, value] as const] : [];
  });
  // tar-stream has a stream class of its own; the engine client wants one of Node
  const log = await docker.buildImage(Readable.from(context), {
    t: image,
    networkmode: "host",
    rm: true,
    forcerm: true,
    buildargs: { BASE: base, FILES: String(files), BYTES: String(bytes), ...Object.fromEntries(proxies) },
    labels: { [hashLabel]: hash, ...testLabel },
  });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(log, (error: Error | null, lines: { error?: string; stream?: string }[]) => {
      const failed = error?.message ?? lines.find((line) => line.error)?.error;
      const tail = () =>
        lines
          .map((line) => line.stream ?? "")
          .join("")
          .slice(-2000);
      if (failed) reject(new Error(`building ${image}: ${failed}\n${tail()}`));
      else resolve();
    });
  });
  // What the name stood for before is of no use to anybody now.
  if (before)
    await docker
      .getImage(before.Id)
      .remove()
      .catch(() => undefined);
  return image;
}
