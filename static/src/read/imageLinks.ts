/**
 * Where a report cites an image: "series 3, image 45", "(se 3/im 45)", "images 45-48", "image 210/5". Knows no page.
 *
 * Only a number that stands right behind a word for an image, or behind a word for a series and a number, counts. Sizes,
 * times, dates and sequence parameters ("SE 4000/90") are none. "(3/45)" counts where the report says that it means
 * series/image.
 */

export interface ImageMention {
  /** UTF-16 indices into the report. */
  readonly start: number;
  readonly end: number;
  /** Null when the report names no series: the one on screen is meant. */
  readonly series: number | null;
  readonly image: number;
  /** The end of "images 45-48"; else the same as `image`. */
  readonly last: number;
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly image: number;
  readonly last: number;
  /** The number behind a slash: a series in "image 210/5", a count in "series 3, image 12/35". */
  readonly behindSlash: number | null;
}

const HEAD =
  /(?<![\p{L}\p{N}])(?:(?<series>series|ser|se|srs)|(?<image>images?|imgs?|ims?|slices?|frames?))(?![\p{L}\p{N}])\.?|(?<pair>[([]\s*(?=\d{1,4}\s*\/))/giu;
const LABEL = /\s*(?:(?:number|no|nr)\b\.?\s*)?[#:]?\s*/iuy;
const NUMBER = /\d{1,4}(?!\d)/y;
const RANGE = /\s*(?:[-–—]|\bto\b|\bthrough\b)\s*#?\s*(?=\d)/iuy;
const SLASH = /\s*\/\s*(?=\d)/y;
const SERIES_BEHIND_SLASH = /\s*[/:]\s*#?(?=\d)/y;
const MORE = /\s*(?:,\s*(?:and\s+)?|&\s*|and\s+)#?(?=\d)/iuy;
const BETWEEN = /\s*[,;:/\\([–-]?\s*/y;
const IMAGE_WORD = /(?:images?|imgs?|ims?|slices?|frames?)(?![\p{L}\p{N}])\.?/iuy;
const SERIES_WORD = /(?:(?:of|in|on|from)\s+)?(?:the\s+)?(?:series|ser|se|srs)(?![\p{L}\p{N}])\.?/iuy;
const CLOSING = /\s*[)\]]/y;
/** What may not follow a number that is to count as a place. */
const NO_PLACE =
  /\p{L}|\d|[.:,/]\d|\s*[-–]\d|\s*%|\s*[x×*]\s*\d|\s*(?:mm|cm|ml|cc|mg|hu|t|tesla|ms|s|sec|seconds?|min|minutes?|hours?|hrs?|days?|weeks?|months?|years?|degrees?)(?![\p{L}\p{N}])/iuy;
const SAYS_SERIES_SLASH_IMAGE = /(?<!\p{L})(?:series|ser|se)\.?\s*(?:number\s*)?\/\s*(?:image|img|im)(?!\p{L})(?!\.?\s*[#:]?\s*\d)/iu;

class Scanner {
  at: number;
  readonly text: string;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  peek(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0] ?? null;
  }

  take(pattern: RegExp): string | null {
    const found = this.peek(pattern);
    if (found !== null) this.at += found.length;
    return found;
  }

  number(): number | null {
    const digits = this.take(NUMBER);
    return digits === null ? null : Number(digits);
  }

  /** Moves on only when `read` finds something. */
  attempt<T>(read: () => T | null): T | null {
    const before = this.at;
    const found = read();
    if (found === null) this.at = before;
    return found;
  }
}

export function findImageMentions(text: string): ImageMention[] {
  const found: ImageMention[] = [];
  const pairsCount = SAYS_SERIES_SLASH_IMAGE.test(text);
  let reached = 0;
  for (const head of text.matchAll(HEAD)) {
    if (head.index < reached) continue;
    const scanner = new Scanner(text, head.index + head[0].length);
    const mentions = head.groups?.["pair"]
      ? pairsCount && bracketPair(scanner)
      : head.groups?.["series"]
        ? seriesFirst(scanner, head.index, head.groups["series"])
        : imageFirst(scanner, head.index, head.groups?.["image"] ?? "");
    if (!mentions || mentions.length === 0) continue;
    found.push(...mentions);
    reached = scanner.at;
  }
  return found;
}

/** "(3/45)". */
function bracketPair(scanner: Scanner): ImageMention[] | null {
  const start = scanner.at;
  const series = scanner.number();
  scanner.take(SLASH);
  const part = imagePart(scanner);
  if (series === null || !part || part.behindSlash !== null || scanner.peek(CLOSING) === null) return null;
  return [{ start, end: part.end, series, image: part.image, last: part.last }];
}

/** "series 3, images 45 and 47", "series 3/45". */
function seriesFirst(scanner: Scanner, start: number, word: string): ImageMention[] | null {
  scanner.take(LABEL);
  const series = scanner.number();
  if (series === null) return null;
  const parts = scanner.attempt(() => {
    scanner.take(BETWEEN);
    const image = scanner.take(IMAGE_WORD);
    return image === null ? null : imageParts(scanner, isPlural(image));
  });
  if (parts) return parts.map((part, position) => mention(part, series, position === 0 ? start : part.start));
  // "SE 500/20" gives echo times; only the whole word is clear.
  if (word.toLowerCase() !== "series" || scanner.take(SERIES_BEHIND_SLASH) === null) return null;
  const part = imagePart(scanner);
  return part && part.behindSlash === null ? [mention(part, series, start)] : null;
}

/** "image 45", "images 45-48 of series 3", "image 210/5". */
function imageFirst(scanner: Scanner, start: number, word: string): ImageMention[] | null {
  const parts = imageParts(scanner, isPlural(word));
  if (!parts) return null;
  const named = scanner.attempt(() => {
    scanner.take(BETWEEN);
    if (scanner.take(SERIES_WORD) === null) return null;
    scanner.take(LABEL);
    const series = scanner.number();
    // "image 9; series 6, image 28": the series belongs to what follows it.
    const isOfNext = series !== null && scanner.attempt(() => (scanner.take(BETWEEN), scanner.take(IMAGE_WORD))) !== null;
    return isOfNext || scanner.peek(NO_PLACE) !== null ? null : series;
  });
  const isClear = /^(?:image|img|slice|frame)/i.test(word) || /[([]\s*$/.test(scanner.text.slice(Math.max(0, start - 2), start));
  const lastPart = parts.length - 1;
  const mentions = parts.map((part, position) => ({
    ...mention(part, named ?? part.behindSlash, position === 0 ? start : part.start),
    end: named !== null && position === lastPart ? scanner.at : part.end,
  }));
  // Without a series, "IM 45" may be an injection and "images 2019" a year.
  const isPlace = (each: ImageMention): boolean => each.series !== null || (isClear && !(each.image >= 1900 && each.image < 2100));
  return mentions.filter(isPlace);
}

function mention(part: Part, series: number | null, start: number): ImageMention {
  return { start, end: part.end, series, image: part.image, last: part.last };
}

function isPlural(word: string): boolean {
  return /s\.?$/i.test(word);
}

/** The numbers behind a word for images; more than one only behind a plural. */
function imageParts(scanner: Scanner, plural: boolean): Part[] | null {
  scanner.take(LABEL);
  const first = imagePart(scanner);
  if (!first) return null;
  const parts = [first];
  for (;;) {
    const next = plural ? scanner.attempt(() => (scanner.take(MORE) === null ? null : imagePart(scanner))) : null;
    if (!next) return parts;
    parts.push(next);
  }
}

function imagePart(scanner: Scanner): Part | null {
  return scanner.attempt(() => {
    const start = scanner.at;
    const image = scanner.number();
    if (image === null) return null;
    const last = scanner.attempt(() => (scanner.take(RANGE) === null ? null : scanner.number()));
    const behindSlash = last === null ? scanner.attempt(() => (scanner.take(SLASH) === null ? null : scanner.number())) : null;
    if (scanner.peek(NO_PLACE) !== null || (last !== null && last < image)) return null;
    return { start, end: scanner.at, image, last: last ?? image, behindSlash };
  });
}

/** As it is spoken and shown: "series 3, image 45". */
export function mentionText({ series, image, last }: Pick<ImageMention, "series" | "image" | "last">): string {
  const images = last > image ? `images ${image} to ${last}` : `image ${image}`;
  return series === null ? images : `series ${series}, ${images}`;
}
