import type { TrendPoint } from "#contract/service/image-view.ts";

/**
 * At most `most` of the points, in their order: of each stretch of them those with the smallest and the largest fat and slim image,
 * so that no peak is lost, and always the first and the last of all.
 */
export function downSample(points: readonly TrendPoint[], most: number): TrendPoint[] {
  if (points.length <= most) return [...points];
  const stretches = Math.max(1, Math.floor((most - 2) / 4));
  const kept = new Set<number>([0, points.length - 1]);
  for (let at = 0; at < stretches; at++) {
    const [from, to] = [at, at + 1].map((edge) => Math.floor((edge * points.length) / stretches));
    for (const sizeOf of [fatSize, slimSize])
      for (const position of extremes(points, from ?? 0, to ?? 0, sizeOf)) kept.add(position);
  }
  return points.filter((_, position) => kept.has(position));
}

const fatSize = (point: TrendPoint): number | null => point.fatBytes;
const slimSize = (point: TrendPoint): number | null => point.slimBytes;

/** Positions of the smallest and the largest; of none where no point has that size. */
function extremes(
  points: readonly TrendPoint[],
  from: number,
  to: number,
  sizeOf: (point: TrendPoint) => number | null,
) {
  let [least, largest]: [number, number] = [-1, -1];
  const sizeAt = (position: number): number => {
    const point = points[position];
    return (point && sizeOf(point)) ?? 0;
  };
  for (let at = from; at < to; at++) {
    const point = points[at];
    if (!point || sizeOf(point) === null) continue;
    if (least < 0 || sizeAt(at) < sizeAt(least)) least = at;
    if (largest < 0 || sizeAt(at) > sizeAt(largest)) largest = at;
  }
  return least < 0 ? [] : [least, largest];
}
