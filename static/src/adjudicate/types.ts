/** The shapes of docs/adjudication.md. */

import type { ValueCode } from "../read/codes";
import type { ReportData, Span } from "../read/types";

export interface Voice {
  /** Stands for nobody: letters are shuffled anew in each cell. */
  readonly letter: string;
  readonly value: string;
  readonly urgency: string;
  readonly evidence: readonly Span[];
  readonly comment: string;
  readonly image_value: string;
}

export interface Decision {
  readonly revision: number;
  readonly is_undo: boolean;
  readonly value: string;
  readonly urgency: string;
  readonly reason: string;
  readonly note: string;
  readonly evidence: readonly Span[];
}

export interface DisputedCell {
  readonly cell: string;
  readonly kind: "presence" | "certainty" | "urgency" | "rule";
  readonly basis: string;
  readonly revision: number;
  readonly voices: readonly Voice[];
  readonly decision: Decision | null;
  /** The likeliest reason by value decided. */
  readonly reasons: Readonly<Record<ValueCode, string>>;
  /** The one urgency that positive voices give; empty where they give none or several. */
  readonly urgency: string;
}

export interface DisputedCase {
  readonly case: { readonly id: number; readonly key: string; readonly position: number };
  readonly report: ReportData;
  readonly images: { readonly n_series: number } | null;
  readonly cells: readonly DisputedCell[];
  readonly urls: {
    readonly page: string;
    readonly decide: string;
    readonly undo: string;
    readonly again: string;
    readonly images: string;
    readonly viewer: string;
    readonly next: string;
  };
}

export interface Verdict {
  readonly value: ValueCode;
  readonly urgency: string;
  readonly reason: string;
  readonly note: string;
  readonly evidence: readonly Span[];
}

export interface ReasonData {
  readonly reason: string;
  readonly says: string;
}
