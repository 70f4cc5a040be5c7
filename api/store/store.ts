import type { Readable } from "node:stream";

export type StoredObject = { bytes: number; sha256: string };

/** Positions of the first and the last byte, as in HTTP: `{ start: 0, end: 0 }` is one byte. */
export type ByteRange = { start: number; end: number };

export type PutGrant = StoredObject & { expiresMs: number };

export type GetGrant = { expiresMs: number; fileName: string; mediaType: string };

/**
 * Where artifacts lie. Keys are `jobs/<job>/<attempt>/<name>`; a prefix is a whole key or ends in a slash.
 *
 * An object is there whole or not at all, and a second `put` replaces the first. Every method throws `store.failed` for a bad
 * key and for a fault of the store, `disk.full` when there is no room. `store-contract.ts` is what an implementation must pass.
 */
export type Store = {
  /** Gives the size in bytes and the digest (64 hex digits) of what was stored. An error of the source leaves nothing behind. */
  put(key: string, content: Readable | Buffer | string): Promise<StoredObject>;
  /**
   * The bytes, or those of the range: a range that reaches beyond the end gives what there is, one that begins there nothing.
   * Throws `store.failed` when there is no such object.
   */
  get(key: string, range?: ByteRange): Promise<Readable>;
  /** Undefined when there is no such object. The digest is given where the store itself has checked it: after `presignPut`. */
  stat(key: string): Promise<{ bytes: number; sha256?: string } | undefined>;
  /** Sorted by key. */
  list(prefix: string): Promise<{ key: string; bytes: number }[]>;
  /** Removes all objects below the prefix, if there are any. */
  remove(prefix: string): Promise<void>;
  /**
   * Lets its bearer store exactly these bytes under this key by one PUT with these headers, until `expiresMs` from now are over
   * (at most seven days). Throws `request.invalid` above 5 GiB, which no single PUT carries: such content goes through `put`.
   */
  presignPut?(key: string, grant: PutGrant): Promise<{ url: string; headers: Record<string, string> }>;
  /** Lets its bearer read the object by GET, whole or by Range. The answer names `fileName` and `mediaType`. */
  presignGet?(key: string, grant: GetGrant): Promise<string>;
};
