import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WinnowError } from "#contract/error.ts";

/** Directory of the built sensors: beside the bundle's folder, or beside the sources. */
async function findSensors(architecture: string): Promise<Buffer | undefined> {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (let parent = dirname(directory); parent !== directory; directory = parent, parent = dirname(parent)) {
    try {
      return await readFile(join(directory, "sensor", "build", `sensor-${architecture}`));
    } catch {
      // Not this level: one up.
    }
  }
  return undefined;
}

/** The static sensor for containers of this architecture (`amd64`, `arm64`). Throws `image.wrong-platform` when there is none. */
export async function sensorBinary(architecture: string): Promise<Buffer> {
  const binary = await findSensors(architecture);
  if (binary) return binary;
  throw new WinnowError(
    "image.wrong-platform",
    `There is no sensor for the architecture ${architecture}.`,
    `Build it with "make -C sensor ${architecture}", or use a runner that has it.`,
  );
}
