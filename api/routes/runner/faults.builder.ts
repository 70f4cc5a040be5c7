// For tests: what the server depends on, made to fail at one of its calls.
import { Readable } from "node:stream";
import type { Db } from "../../db/open.ts";

/** `before`: the call does nothing and fails. `after`: it does what it should, and its answer is lost or breaks off. */
export type Fault = { at: number; mode: "before" | "after" };

/** Wraps dependencies so that their calls are counted together, and the one of the number `at`, from 1 after `begin`, fails. */
export function faults({ at, mode }: Fault) {
  let calls = 0;
  let isCounting = false;
  const isNext = () => isCounting && ++calls === at;
  const broken = () => new Error(`fault ${mode} call ${at}`);

  function ofDb(db: Db): Db {
    return new Proxy(db, {
      get(target, name) {
        const found: unknown = Reflect.get(target, name);
        if (typeof found !== "function") return found;
        if (name === "transaction") return transaction(target);
        return (...given: unknown[]) => {
          if (isNext()) throw broken();
          return found.apply(target, given);
        };
      },
    });
  }

  function transaction(db: Db): Db["transaction"] {
    return (work, options) => {
      const isIt = isNext();
      if (isIt && mode === "before") throw broken();
      // Wrapped as its database is: a statement within may be the one that fails.
      const result = db.transaction((tx) => work(ofDb(tx) as typeof tx), options);
      if (isIt) throw broken();
      return result;
    };
  }

  /** Of an object whose methods are all asynchronous. */
  function ofMethods<T extends object>(target: T): T {
    return new Proxy(target, {
      get(_, name) {
        const found: unknown = Reflect.get(target, name);
        if (typeof found !== "function") return found;
        return async (...given: unknown[]) => {
          const isIt = isNext();
          if (isIt && mode === "before") throw broken();
          const result: unknown = await found.apply(target, given);
          if (!isIt) return result;
          if (result instanceof Readable) return breakingOff(result, broken());
          throw broken();
        };
      },
    });
  }

  const begin = () => {
    isCounting = true;
  };
  return { ofDb, ofMethods, begin, wasHit: () => calls >= at };
}

function breakingOff(source: Readable, error: Error): Readable {
  return Readable.from(
    (async function* () {
      for await (const piece of source) {
        yield piece.subarray(0, 1);
        throw error;
      }
      throw error;
    })(),
  );
}
