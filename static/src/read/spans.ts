/** The server counts Unicode code points; JavaScript strings count UTF-16 units. This translates between them. */

const SURROGATE_PAIR = /[\uD800-\uDBFF][\uDC00-\uDFFF]/;

export class CodePointText {
  readonly text: string;
  /** UTF-16 index of each code point, with one more for the end; null when the two counts are the same. */
  private readonly units: Uint32Array | null;

  constructor(text: string) {
    this.text = text;
    this.units = SURROGATE_PAIR.test(text) ? unitIndex(text) : null;
  }

  /** Length in code points. */
  get length(): number {
    return this.units ? this.units.length - 1 : this.text.length;
  }

  /** UTF-16 index of a code point offset; offsets beyond either end are moved to that end. */
  toUnit(offset: number): number {
    const inside = Math.max(0, Math.min(offset, this.length));
    return this.units ? (this.units[inside] ?? this.text.length) : inside;
  }

  /** Code point offset of a UTF-16 index; an index inside a pair belongs to that pair. */
  toCodePoint(unit: number): number {
    const inside = Math.max(0, Math.min(unit, this.text.length));
    if (!this.units) return inside;
    let low = 0;
    let high = this.units.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.units[middle] ?? 0) <= inside) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  slice(start: number, end: number): string {
    return this.text.slice(this.toUnit(start), this.toUnit(end));
  }
}

function unitIndex(text: string): Uint32Array {
  const starts: number[] = [];
  let unit = 0;
  for (const character of text) {
    starts.push(unit);
    unit += character.length;
  }
  starts.push(unit);
  return Uint32Array.from(starts);
}
