/** What a cell can say and how it is shown. The codes are those of `labeling.core.values`. */

export type ValueCode = "+" | "?" | "0" | "~" | ".";
export type MissingCode = "!" | "_";
export type StateCode = ValueCode | MissingCode;

export interface CodeInfo {
  readonly code: StateCode;
  /** CSS name, also used in tests. */
  readonly name: "present" | "possible" | "absent" | "ambiguous" | "not-mentioned" | "unreadable" | "undecided";
  readonly says: string;
  readonly glyph: string;
  /** The key that sets it; missing states cannot be set. */
  readonly key: string | null;
}

export const CODES: readonly CodeInfo[] = [
  { code: "+", name: "present", says: "present", glyph: "●", key: "1" },
  { code: "?", name: "possible", says: "possible", glyph: "◐", key: "2" },
  { code: "0", name: "absent", says: "absent", glyph: "○", key: "0" },
  { code: "~", name: "ambiguous", says: "ambiguous", glyph: "≈", key: "3" },
  { code: ".", name: "not-mentioned", says: "not mentioned", glyph: "·", key: "-" },
  { code: "!", name: "unreadable", says: "answer not readable, please decide", glyph: "!", key: null },
  { code: "_", name: "undecided", says: "not decided", glyph: "▫", key: null },
];

export const VALUE_CODES: readonly ValueCode[] = ["+", "?", "0", "~", "."];
export const UNREADABLE = "!";
export const UNDECIDED = "_";
export const NOT_MENTIONED = ".";
export const NO_URGENCY = "_";

/** The flag of a cell in which the image shows something else than the report says. */
export const IMAGE_DISAGREES = "image_disagrees";

const INFO = new Map<string, CodeInfo>(CODES.map((info) => [info.code, info]));

export function codeInfo(code: string): CodeInfo {
  const info = INFO.get(code);
  if (!info) throw new Error(`${JSON.stringify(code)} is not one of ${CODES.map((known) => known.code).join(" ")}`);
  return info;
}

/** The name of a value as the server writes it: `not_mentioned`. */
export function nameOfValue(code: ValueCode): string {
  return codeInfo(code).name.replace("-", "_");
}

/** The value with this name; null when there is none. */
export function valueNamed(name: string | undefined): ValueCode | null {
  return VALUE_CODES.find((code) => nameOfValue(code) === name) ?? null;
}

export function isValue(code: string): code is ValueCode {
  return (VALUE_CODES as readonly string[]).includes(code);
}

export function isPositive(code: string): boolean {
  return code === "+" || code === "?";
}

/** 0 to 3, or null for none. */
export function urgencyOf(code: string): number | null {
  if (code === NO_URGENCY) return null;
  const level = Number(code);
  if (!/^[0-3]$/.test(code)) throw new Error(`urgency code ${JSON.stringify(code)} is not one of 0 1 2 3 _`);
  return level;
}

export function urgencyCode(level: number | null): string {
  return level === null ? NO_URGENCY : String(level);
}
