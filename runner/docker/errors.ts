import { type ErrorCode, WinnowError } from "#contract/error.ts";

/** What a failed call to the engine throws: an HTTP answer has `statusCode`, a broken connection has `code`. */
type EngineFailure = Error & { statusCode?: number; code?: string; json?: unknown };

const gone = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "EACCES",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

const diskFull = /no space left on device|disk quota exceeded|ENOSPC/i;
const noImage = /no such image|(image|manifest|reference).*(not found|unknown)|unable to find image/i;
const noNetwork = /network \S+ not found/i;
const noStart = new RegExp(
  [
    "executable file not found",
    "exec format error",
    "unable to find (user|group)",
    "no matching entries in (passwd|group) file",
    "exec:? .*(no such file or directory|permission denied|is a directory|not a directory)",
    "exec .*/.*: (permission denied|no such file|invalid argument)",
    "chdir to cwd",
    "cannot mkdir: .* is not a directory",
    "no command specified",
    "stat .*: (no such file or directory|permission denied|not a directory)",
  ].join("|"),
  "i",
);

const hints: Readonly<Partial<Record<ErrorCode, string>>> = {
  "disk.full":
    "Free space where the engine keeps its images (`docker system df`) or in the runner's temporary directory.",
  "docker.unavailable": "Check that the engine runs and that this user may use it, then try again.",
  "image.not-found": "Check the name, or let Winnow pull it with `--pull`.",
  "app.start-failed": "Run the image with `docker run` and the same command: it must start there first.",
  "request.invalid": "Name a network that the engine has (`docker network ls`).",
  "docker.failed": "See the engine's own log for the cause.",
};

/** Whether the engine answered a call with this HTTP status. */
export const hasStatus = (thrown: unknown, status: number): boolean =>
  thrown instanceof Error && "statusCode" in thrown && thrown.statusCode === status;

/** The engine's own words without what the client put around them. */
export function engineMessage(failure: EngineFailure): string {
  const body = failure.json;
  if (typeof body === "object" && body !== null && "message" in body && typeof body.message === "string")
    return body.message;
  return failure.message.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim();
}

function codeOf(failure: EngineFailure, message: string, starting: boolean): ErrorCode {
  if (failure.code === "ENOSPC" || failure.code === "EDQUOT" || diskFull.test(message)) return "disk.full";
  if (failure.statusCode === undefined) {
    return gone.has(failure.code ?? "") || /socket hang up|aborted|premature close/i.test(message)
      ? "docker.unavailable"
      : "docker.failed";
  }
  if (starting && noStart.test(message)) return "app.start-failed";
  if (starting && noNetwork.test(message)) return "request.invalid";
  if (failure.statusCode === 404 && noImage.test(message)) return "image.not-found";
  return "docker.failed";
}

/**
 * What went wrong while `doing` ("creating a container"), as an error of the catalogue. `starting`: the call starts the
 * image's own command, so what the engine cannot execute is the image's fault. An error of ours is passed on as it is.
 */
export function engineError(thrown: unknown, doing: string, { starting = false } = {}): WinnowError {
  if (thrown instanceof WinnowError) return thrown;
  const failure: EngineFailure = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (failure.name === "AbortError") return canceled(failure.cause, failure);
  const message = engineMessage(failure);
  const code = codeOf(failure, message, starting);
  const said =
    code === "docker.unavailable"
      ? `The engine stopped answering while ${doing} (${failure.code ?? message}).`
      : code === "disk.full"
        ? `No space was left while ${doing}: ${message}`
        : code === "app.start-failed"
          ? `The engine could not start the command: ${message.replace(/^.*unable to start container process: (error during container init: )?/, "")}`
          : `The engine failed while ${doing}: ${message}`;
  return new WinnowError(code, said, hints[code] ?? "", thrown);
}

/** The error of an aborted job: the reason itself when it is one of ours (a lost lease), else `job.canceled`. */
export function canceled(reason: unknown, cause: unknown = reason): WinnowError {
  if (reason instanceof WinnowError) return reason;
  return new WinnowError("job.canceled", "The job was canceled.", "Submit it again when it is wanted.", cause);
}

/** Throws when the job was aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw canceled(signal.reason);
}

/** Runs one call to the engine; its failure becomes an error of the catalogue, and so does an abort. */
export async function calling<T>(
  doing: string,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
  how: { starting?: boolean } = {},
): Promise<T> {
  if (signal) throwIfAborted(signal);
  try {
    return await call();
  } catch (thrown) {
    throw signal?.aborted ? canceled(signal.reason, thrown) : engineError(thrown, doing, how);
  }
}
