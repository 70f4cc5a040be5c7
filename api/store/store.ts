import type { Readable } from "node:stream";

export type StoredObject = { bytes: number; sha256: string };

/**
 * Where artifacts lie. Keys are `jobs/<job>/<attempt>/<name>`; a prefix is a whole key or ends in a slash.
 *
 * An object is there whole or not at all, and a second `put` replaces the first. Every method throws `store.failed` for a bad
 * key and for a fault of the store, `disk.full` when there is no room. `store-contract.ts` is what an implementation must pass.
 */
export type Store = {
  /** Gives the size in bytes and the digest (64 hex digits) of what was stored. An error of the source leaves nothing behind. */
  put(key: string, content: Readable | Buffer | string): Promise<StoredObject>;
  /** The bytes; throws `store.failed` when there is no such object. */
  get(key: string): Promise<Readable>;
  stat(key: string): Promise<{ bytes: number } | undefined>;
  /** Sorted by key. */
  list(prefix: string): Promise<{ key: string; bytes: number }[]>;
  /** Removes all objects below the prefix, if there are any. */
  remove(prefix: string): Promise<void>;
};
