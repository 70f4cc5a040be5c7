import { connectEngine } from "#runner/docker/connect.ts";
import type { Engine } from "#runner/docker/engine.ts";

/** Where infra/second-engine.sh puts the socket of the current engine. */
const secondEngine = "unix:///run/winnow-second-engine/docker.sock";

/**
 * Names the engines that tests run on in WINNOW_TEST_HOSTS, unless it is set: the one that the Docker client would take,
 * and the second one when it answers.
 */
export async function setup(): Promise<void> {
  for (const engine of await enginesToTest()) await removeRemains(engine);
}

async function enginesToTest(): Promise<Engine[]> {
  const named = process.env.WINNOW_TEST_HOSTS?.split(" ");
  if (named) return Promise.all(named.map((host) => connectEngine({ host, env: process.env })));
  const first = await connectEngine({ env: process.env });
  const second = await connectEngine({ host: process.env.WINNOW_SECOND_ENGINE ?? secondEngine, env: {} }).catch(
    () => undefined,
  );
  const engines = [first, ...(second ? [second] : [])];
  process.env.WINNOW_TEST_HOSTS = engines.map((engine) => engine.host).join(" ");
  return engines;
}

/** What `dev.winnow.test` says of objects that a test makes anew; those of sample images are kept from run to run. */
const passing = ["faults", "hostile", "docker", "sensor"];

/** A run that was killed has left containers and images, which this one would take for its own. */
async function removeRemains({ docker }: Engine): Promise<void> {
  for (const value of passing) {
    const filters = { label: [`dev.winnow.test=${value}`] };
    for (const { Id } of await docker.listContainers({ all: true, filters }))
      await docker.getContainer(Id).remove({ force: true, v: true });
    for (const { Id } of await docker.listImages({ filters }))
      await docker
        .getImage(Id)
        .remove({ force: true })
        .catch(() => {}); // another one is built on it
  }
}
