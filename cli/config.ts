import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

export type Environment = Readonly<Record<string, string | undefined>>;

const Variables = z.object({
  HOME: z.string().optional(),
  XDG_STATE_HOME: z.string().optional(),
  WINNOW_STATE_PATH: z.string().optional(),
  NO_COLOR: z.string().optional(),
  TERM: z.string().optional(),
});

export type Config = {
  /** Where jobs, artifacts and logs lie unless `--state-path` says otherwise. */
  statePath: string;
  /** False when NO_COLOR is set to anything but nothing (no-color.org), or the terminal cannot. */
  isColorWanted: boolean;
  /** All of it, for the connection to the engine, which has its own order of DOCKER_HOST, contexts and sockets. */
  env: Environment;
};

/** What the environment says. A relative XDG_STATE_HOME is ignored, as its specification asks. */
export function loadConfig(env: Environment = process.env): Config {
  const { HOME, XDG_STATE_HOME, WINNOW_STATE_PATH, NO_COLOR, TERM } = Variables.parse(env);
  const stateHome = XDG_STATE_HOME?.startsWith("/") ? XDG_STATE_HOME : join(HOME || homedir(), ".local", "state");
  return {
    statePath: WINNOW_STATE_PATH || join(stateHome, "winnow"),
    isColorWanted: !NO_COLOR && TERM !== "dumb",
    env,
  };
}
