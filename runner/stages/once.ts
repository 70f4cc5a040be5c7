/** Work that begins when it is first asked for, and is not begun again. */
export type Once<T> = {
  (): Promise<T>;
  /** Waits for the end of what was begun, whatever comes of it. */
  settled(): Promise<void>;
};

export function once<T>(work: () => Promise<T>): Once<T> {
  let begun: Promise<T> | undefined;
  const get = (): Promise<T> => {
    begun ??= work();
    return begun;
  };
  return Object.assign(get, { settled: async () => void (await Promise.allSettled([begun])) });
}
