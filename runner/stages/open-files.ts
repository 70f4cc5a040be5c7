import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { createContainer, removeContainer, startAttached } from "../docker/container.ts";
import { putFiles, type TarEntry } from "../docker/files.ts";
import { createVolume } from "../docker/volumes.ts";
import { type FilesSession, openFilesSession } from "../sensor/files-session.ts";
import {
  filesServer,
  type GuardedPlace,
  guardedPlace,
  type SensorPlace,
  type Subject,
  sensorPlace,
  volumesOf,
} from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";

const hex = (bytes: number): string => randomBytes(bytes).toString("hex");

/** A place that no image has: 48 random bits, and a key of 128. */
export const freshPlace = (): SensorPlace => sensorPlace(hex(6), hex(16));

/** The same where the image's own code cannot reach the program, with its volumes. Whoever takes it removes those. */
export async function freshGuardedPlace(deps: JobDeps, hasReadOnlyRoot = false): Promise<GuardedPlace> {
  const place = guardedPlace(hex(6), hex(16), hasReadOnlyRoot);
  for (const volume of volumesOf(place)) await createVolume(deps, volume);
  return place;
}

const privately = (name: string): TarEntry => ({ type: "directory", name, mode: 0o700, uid: 0, gid: 0 });

/** The directory of the event files, where no volume is it. */
export const eventsDirectory = (place: SensorPlace): TarEntry[] => [privately(place.directory)];

/** What is put into a container so that the sensor can run there. */
export const sensorFiles = (place: SensorPlace, binary: Buffer): TarEntry[] => [
  privately(posix.dirname(place.binary)),
  ...(place.eventsVolume === undefined ? [] : [privately(place.directory)]),
  { name: place.binary, mode: 0o755, uid: 0, gid: 0, content: binary },
];

/** The pristine rootfs, for as long as it is needed. `release` lets go of it before the end of `withFiles`. */
export type OpenFiles = { files: FilesSession; release(): void };

/** Opens the pristine rootfs of an image through the sensor, in a container in which nothing of the image runs. */
export async function withFiles<T>(subject: Subject, deps: JobDeps, use: (open: OpenFiles) => Promise<T>): Promise<T> {
  const place = freshPlace();
  const container = await createContainer(deps, filesServer(subject, place));
  let isOpen = true;
  const release = (): void => {
    if (isOpen) deps.later(removeContainer(container));
    isOpen = false;
  };
  try {
    await putFiles(container, sensorFiles(place, deps.sensor));
    const attached = await startAttached(container, { stdin: true, tty: false });
    attached.stderr.resume();
    return await use({ files: openFilesSession(attached), release });
  } finally {
    release();
  }
}
