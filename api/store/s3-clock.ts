import { HeadBucketCommand, type S3Client } from "@aws-sdk/client-s3";

/** So much apart, the store and we still take each other's signatures, ms. */
const harmlessMs = 60_000;

/**
 * The store's time: it refuses what is signed minutes off its own. Calls find that out by themselves and are signed again, but an address
 * that is signed for others is never seen again. The client learns the difference from each answer; one is asked for before the first
 * address, and again when our clock was moved. A store that is down is taken to be of our time.
 */
export function s3Clock(client: S3Client, Bucket: string): () => Promise<Date> {
  let known = Number.NaN;
  return async () => {
    const offset = Date.now() - performance.now(); // only a move of the clock changes it
    if (!(Math.abs(offset - known) < harmlessMs)) {
      const answered = await client.send(new HeadBucketCommand({ Bucket })).then(
        () => true,
        () => false, // whoever puts or gets something will be told
      );
      if (answered) known = offset;
    }
    return new Date(Date.now() + client.config.systemClockOffset);
  };
}
