/** Bytes of a frame's head: the payload's length is its last four, little endian (docs/sensor-protocol.md). */
export const headSize = 9;

export type Frame = { head: Buffer; payload: Buffer };

/** Cuts a byte stream into frames: feed it chunks of any size, get the frames that are whole by then. */
export function frameReader(): (chunk: Buffer) => Frame[] {
  let held: Buffer[] = [];
  let heldSize = 0;
  let wanted = headSize;
  return (chunk) => {
    held.push(chunk);
    heldSize += chunk.length;
    if (heldSize < wanted) return [];
    const bytes = held.length === 1 ? chunk : Buffer.concat(held);
    const frames: Frame[] = [];
    let at = 0;
    for (wanted = headSize; bytes.length - at >= headSize; wanted = headSize) {
      wanted = headSize + bytes.readUInt32LE(at + 5);
      if (bytes.length - at < wanted) break;
      frames.push({ head: bytes.subarray(at, at + headSize), payload: bytes.subarray(at + headSize, at + wanted) });
      at += wanted;
    }
    held = at < bytes.length ? [bytes.subarray(at)] : [];
    heldSize = bytes.length - at;
    return frames;
  };
}
