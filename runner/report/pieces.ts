/** Characters of one piece: as a stream of single lines, a large image's list takes longer than its rebuild. */
const pieceLength = 64 << 10;

/** Joins lines into pieces that are worth a write. */
export function* pieces(lines: Iterable<string>): Generator<string> {
  let piece = "";
  for (const line of lines) {
    piece += line;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
