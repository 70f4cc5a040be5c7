import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { extract, pack } from "tar-stream";
import { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import type { Container } from "./container.ts";
import { calling, engineMessage, hasStatus } from "./errors.ts";

/** A small file or directory for a container. `name` is its absolute path; `mode` the permission bits. */
export type TarEntry =
  | { type?: "file"; name: string; mode: number; uid: number; gid: number; content: Buffer }
  | { type: "directory"; name: string; mode: number; uid: number; gid: number };

/** The archive of these entries, held in memory. The time of all is the epoch: it depends on nothing. */
export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  const bytes = buffer(archive);
  for (const entry of entries) {
    const { mode, uid, gid } = entry;
    const name = entry.name.replace(/^\/+/, "");
    const header = { name, mode, uid, gid, mtime: new Date(0) };
    if (entry.type === "directory") archive.entry({ ...header, type: "directory" });
    else archive.entry({ ...header, type: "file" }, entry.content);
  }
  archive.finalize();
  return bytes;
}

/** Puts entries into a created or running container. Directories that they stand in must be among them or be there. */
export async function putFiles(container: Container, entries: readonly TarEntry[]): Promise<void> {
  const archive = await tarOf(entries);
  const { docker, id, signal } = container;
  await calling("putting files into a container", signal, () =>
    docker.getContainer(id).putArchive(archive, { path: "/", abortSignal: signal }),
  );
}

/** Largest file that `getFile` takes into memory when nothing else is said. */
const defaultMaxBytes = 256 << 20;

/**
 * The bytes of one regular file of a container, running or not; undefined when there is none at `path` (a last symbolic
 * link is not followed). Throws `limit.exceeded` for one over `maxBytes`: the image is free to put anything there.
 */
export async function getFile(
  container: Container,
  path: string,
  maxBytes = defaultMaxBytes,
): Promise<Buffer | undefined> {
  const { docker, id, signal } = container;
  let archive: NodeJS.ReadableStream;
  try {
    archive = await docker.getContainer(id).getArchive({ path, abortSignal: signal });
  } catch (thrown) {
    if (hasStatus(thrown, 404) && thrown instanceof Error && !/no such container/i.test(engineMessage(thrown)))
      return undefined;
    return calling("reading a file of a container", signal, () => Promise.reject(thrown));
  }
  return calling("reading a file of a container", signal, () => firstFile(archive, path, maxBytes));
}

const PathStat = z.looseObject({ size: z.number() });

/** The size of a file of a container in bytes, without its content; 0 when there is none (yet). */
export async function fileSize({ docker, id, signal }: Container, path: string): Promise<number> {
  try {
    const answer: IncomingMessage = await docker.getContainer(id).infoArchive({ path, abortSignal: signal });
    answer.resume(); // it has no body, but holds its connection until it was read
    // The engine puts the answer into a header: base64 of JSON (engine API, ContainerArchiveInfo).
    const stat = Buffer.from(String(answer.headers["x-docker-container-path-stat"]), "base64").toString("utf8");
    return PathStat.parse(JSON.parse(stat)).size;
  } catch (thrown) {
    if (hasStatus(thrown, 404)) return 0;
    return calling("looking at a file of a container", signal, () => Promise.reject(thrown));
  }
}

async function firstFile(archive: NodeJS.ReadableStream, path: string, maxBytes: number): Promise<Buffer | undefined> {
  const source = archive as Readable; // the client's answer is an http.IncomingMessage, typed as less than it is
  const entries = extract();
  source.on("error", (error) => entries.destroy(error));
  source.on("close", () => !source.readableEnded && entries.destroy(new Error("premature close")));
  source.pipe(entries);
  try {
    for await (const entry of entries) {
      if (entry.header.type !== "file" && entry.header.type !== "contiguous-file") return undefined;
      const size = entry.header.size ?? 0;
      if (size > maxBytes) {
        throw new WinnowError(
          "limit.exceeded",
          `${path} of the container has ${size} bytes, over ${maxBytes}.`,
          "Let the application write less there.",
        );
      }
      return await buffer(entry);
    }
    return undefined;
  } finally {
    source.destroy();
  }
}
