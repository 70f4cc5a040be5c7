/** The name that Node gives to a failed call of the system, `ENOENT`. Undefined for other errors. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}

/** Undefined when what was asked for is not there. */
export async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw thrown;
  }
}

/** There is no room, on the disk or in the quota. */
export const isFull = (code: string | undefined): boolean => code === "ENOSPC" || code === "EDQUOT";
