import { connectEngine } from "#runner/docker/connect.ts";

/** Where infra/second-engine.sh puts the socket of the current engine. */
const secondEngine = "unix:///run/winnow-second-engine/docker.sock";

/**
 * Names the engines that tests run on in WINNOW_TEST_HOSTS, unless it is set: the one that the Docker client would take,
 * and the second one when it answers.
 */
export async function setup(): Promise<void> {
  if (process.env.WINNOW_TEST_HOSTS) return;
  const first = await connectEngine({ env: process.env });
  const second = await connectEngine({ host: process.env.WINNOW_SECOND_ENGINE ?? secondEngine, env: {} }).catch(
    () => undefined,
  );
  process.env.WINNOW_TEST_HOSTS = [first, ...(second ? [second] : [])].map((engine) => engine.host).join(" ");
}
