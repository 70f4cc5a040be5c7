import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { measured, toStream } from "./content.ts";
import { assertKey, assertPrefix, assertRange } from "./key.ts";
import { s3Client, s3Limits } from "./s3-client.ts";
import { s3Clock } from "./s3-clock.ts";
import { s3Fault } from "./s3-fault.ts";
import { presignGet, presignPut } from "./s3-presign.ts";
import type { S3Settings } from "./s3-settings.ts";
import type { ByteRange, Store } from "./store.ts";

/** A put uploads this many parts of `partBytes` at once: 40 to 75 MiB of memory. S3 allows 10,000 parts, so 78 GiB. */
const partsAtOnce = 2;
const partBytes = 8 << 20;

/** DELETE of one key each, as servers differ in what they want of the call for many. */
const removalsAtOnce = 16;

/** Objects of one bucket, below the settings' prefix. The bucket must be there (`setup-bucket.ts`). */
export function s3Store(settings: S3Settings, limits = s3Limits): Store {
  const client = s3Client(settings, { limits });
  const signing = s3Client(settings, { endpoint: settings.publicEndpoint ?? settings.endpoint, limits });
  const { bucket: Bucket, prefix } = settings;
  const storeTime = s3Clock(client, Bucket);
  const objectOf = (key: string) => ({ Bucket, Key: `${prefix}${assertKey(key)}` });
  const guarded = <T>(what: string, work: () => Promise<T>) => guard(settings, what, work);
  const listed = async (asked: string) => {
    const wanted = assertPrefix(asked);
    const found = await guarded(wanted, () => list(client, { Bucket, Prefix: `${prefix}${wanted}` }));
    const objects = found.map(({ key, bytes }) => ({ key: key.slice(prefix.length), bytes }));
    // To S3 a prefix is only the beginning of a name: x also stands for xy.
    return wanted.endsWith("/") ? objects : objects.filter(({ key }) => key === wanted);
  };
  return {
    async put(key, content) {
      const object = objectOf(key);
      return await guarded(key, () => upload(client, object, toStream(content)));
    },
    async get(key, range) {
      const object = objectOf(key);
      if (range) assertRange(range);
      const body = await guarded(key, () => open(client, object, range));
      return Readable.from(faultsNamed(settings, key, body), { objectMode: false });
    },
    async stat(key) {
      const object = objectOf(key);
      return await guarded(key, () => head(client, object));
    },
    list: (asked) => listed(asked),
    async remove(asked) {
      const keys = asked.endsWith("/") ? (await listed(asked)).map(({ key }) => key) : [assertKey(asked)];
      await guarded(asked, () =>
        eachOf(keys, removalsAtOnce, async (key) => {
          await client.send(new DeleteObjectCommand(objectOf(key)));
        }),
      );
    },
    async presignPut(key, grant) {
      const object = objectOf(key);
      return await guarded(key, async () => presignPut(signing, object, { ...grant, signingDate: await storeTime() }));
    },
    async presignGet(key, grant) {
      const object = objectOf(key);
      return await guarded(key, async () => presignGet(signing, object, { ...grant, signingDate: await storeTime() }));
    },
  };
}

type ObjectPlace = { Bucket: string; Key: string };

/** One PUT for what fits into a part, else a multipart upload: nothing can be seen of it before its last call. */
async function upload(client: S3Client, object: ObjectPlace, content: Readable) {
  const { stream, seen } = measured(content);
  try {
    const params = { ...object, Body: stream };
    await new Upload({ client, params, queueSize: partsAtOnce, partSize: partBytes }).done();
    return seen();
  } finally {
    stream.destroy();
    content.destroy();
  }
}

async function open(
  client: S3Client,
  object: ObjectPlace,
  range: ByteRange | undefined,
): Promise<AsyncIterable<Buffer>> {
  try {
    const { Body } = await client.send(
      new GetObjectCommand({ ...object, ...(range && { Range: `bytes=${range.start}-${range.end}` }) }),
    );
    if (!(Body instanceof Readable)) throw new Error("the answer has no body");
    return Body;
  } catch (thrown) {
    if (isNamed(thrown, "InvalidRange")) return Readable.from([]); // it begins at the end of the object or beyond
    throw thrown;
  }
}

async function head(client: S3Client, object: ObjectPlace) {
  try {
    const found = await client.send(new HeadObjectCommand({ ...object, ChecksumMode: "ENABLED" }));
    // The digest of a multipart object is one of its parts' digests, and ends in the number of parts.
    const sha256 = found.ChecksumSHA256?.includes("-") ? undefined : found.ChecksumSHA256;
    return {
      bytes: found.ContentLength ?? 0,
      ...(sha256 && { sha256: Buffer.from(sha256, "base64").toString("hex") }),
    };
  } catch (thrown) {
    if (!isNamed(thrown, "NotFound")) throw thrown;
    await assertBucket(client, object);
    return undefined;
  }
}

/** HEAD's 404 has no body that would tell a missing object from a missing bucket. */
async function assertBucket(client: S3Client, { Bucket }: ObjectPlace): Promise<void> {
  try {
    await client.send(new HeadBucketCommand({ Bucket }));
  } catch (thrown) {
    throw isNamed(thrown, "NotFound") ? Object.assign(new Error("no such bucket"), { code: "NoSuchBucket" }) : thrown;
  }
}

async function list(client: S3Client, place: { Bucket: string; Prefix: string }) {
  const found: { key: string; bytes: number }[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, place)) {
    for (const { Key, Size } of Contents) if (Key) found.push({ key: Key, bytes: Size ?? 0 });
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

async function eachOf<T>(items: T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function guard<T>(settings: S3Settings, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw s3Fault(settings, what, thrown);
  }
}

/** The connection can break long after the answer began. */
async function* faultsNamed(settings: S3Settings, key: string, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (thrown) {
    throw s3Fault(settings, key, thrown);
  }
}

function isNamed(thrown: unknown, name: string): boolean {
  return thrown instanceof Error && thrown.name === name;
}
