/** In which order, and in which pieces, the bytes of a series are fetched. */

export interface ByteImage {
  readonly offset: number;
  readonly length: number;
}

/** One request: bytes `start` to `end` (exclusive), which hold these images whole. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly images: readonly number[];
}

/** Positions from `wanted` outward: 5, 6, 4, 7, 3 ... */
export function outward(wanted: number, count: number): number[] {
  const order: number[] = [];
  for (let away = 0; order.length < count && away <= count; away += 1) {
    for (const position of away === 0 ? [wanted] : [wanted + away, wanted - away]) {
      if (position >= 0 && position < count) order.push(position);
    }
  }
  return order;
}

/**
 * The next piece to ask for: the wanted image alone while nothing is known of the series, then runs of neighbours in
 * the file of up to `most_bytes`, around the image nearest to the wanted one that is still missing. Frames of one
 * instance share its bytes.
 */
export function nextPiece(
  images: readonly ByteImage[],
  { wanted, isMissing, most_bytes, alone }: {
    wanted: number;
    isMissing: (position: number) => boolean;
    most_bytes: number;
    alone: boolean;
  },
): Piece | null {
  const first = outward(wanted, images.length).find(isMissing);
  const info = first === undefined ? undefined : images[first];
  if (first === undefined || !info) return null;
  let [start, end] = [info.offset, info.offset + info.length];
  const chosen = [first];
  const open = { up: !alone, down: !alone };
  const take = (position: number): boolean => {
    const next = images[position];
    if (!next || !isMissing(position)) return false;
    const [from, to] = [Math.min(start, next.offset), Math.max(end, next.offset + next.length)];
    const isNeighbour = next.offset <= end && next.offset + next.length >= start;
    if (!isNeighbour || to - from > most_bytes) return false;
    [start, end] = [from, to];
    chosen.push(position);
    return true;
  };
  for (let away = 1; open.up || open.down; away += 1) {
    if (open.up) open.up = take(first + away);
    if (open.down) open.down = take(first - away);
  }
  return { start, end, images: chosen };
}
