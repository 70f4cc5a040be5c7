import { randomBytes } from "node:crypto";
import { createContainer, removeContainer, startAttached } from "../docker/container.ts";
import { putFiles, type TarEntry } from "../docker/files.ts";
import { type FilesSession, openFilesSession } from "../sensor/files-session.ts";
import { filesServer, type SensorPlace, type Subject, sensorPlace } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";

/** A place that no image has: 48 random bits, and a key of 128. */
export const freshPlace = (): SensorPlace =>
  sensorPlace(randomBytes(6).toString("hex"), randomBytes(16).toString("hex"));

/** What is put into a container so that the sensor can run there. */
export const sensorFiles = (place: SensorPlace, binary: Buffer): TarEntry[] => [
  { type: "directory", name: place.directory, mode: 0o700, uid: 0, gid: 0 },
  { name: place.binary, mode: 0o755, uid: 0, gid: 0, content: binary },
];

/** Opens the pristine rootfs of an image through the sensor, in a container in which nothing of the image runs. */
export async function withFiles<T>(
  subject: Subject,
  deps: JobDeps,
  use: (files: FilesSession) => Promise<T>,
): Promise<T> {
  const place = freshPlace();
  const container = await createContainer(deps, filesServer(subject, place));
  try {
    await putFiles(container, sensorFiles(place, deps.sensor));
    const attached = await startAttached(container, { stdin: true, tty: false });
    attached.stderr.resume();
    const files = openFilesSession(attached);
    try {
      return await use(files);
    } finally {
      deps.later(files.close());
    }
  } finally {
    deps.later(removeContainer(container));
  }
}
