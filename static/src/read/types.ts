/** The shapes of docs/api.md. Offsets count Unicode code points. */

import type { Measurement } from "../viewer/types";

export type Span = readonly [start: number, end: number];

export interface SchemaData {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly title: string;
  readonly targets: readonly { readonly name: string; readonly title: string }[];
  readonly findings: readonly {
    readonly name: string;
    readonly short_name: string;
    readonly definition: string;
    readonly urgency: boolean;
  }[];
  readonly cells: readonly string[];
  readonly urgency_levels: readonly string[];
  readonly contradictions: readonly {
    readonly finding: string;
    readonly forbids: readonly string[];
    readonly because: string;
  }[];
}

export type SectionKind = "history" | "technique" | "comparison" | "findings" | "impression" | "other";

export interface Section {
  readonly kind: SectionKind;
  readonly start: number;
  readonly end: number;
  readonly title: Span | null;
}

export interface ReportData {
  /** Why there is no text, in words for the reader; empty or absent where there is one, or no report at all. */
  readonly missing?: string;
  readonly text: string;
  readonly sha256: string;
  readonly sections: readonly Section[];
  readonly sentences: readonly Span[];
}

export interface MachineCell {
  readonly evidence?: readonly Span[];
  readonly reason?: string;
  readonly probability?: number | null;
  readonly logit_difference?: number | null;
  readonly flags?: readonly string[];
}

export interface Prefill {
  readonly run: string;
  readonly labeler: string;
  /** The labeler, and the model or rater behind it. */
  readonly name: string;
  readonly values: string;
  readonly urgencies: string;
  readonly cells: Readonly<Record<string, MachineCell>>;
}

/** What a complete run beside the pre-fill says of the case. */
export interface OtherRun extends Prefill {
  readonly options: readonly string[];
  readonly started_at: string;
}

export interface CaseLabels {
  readonly arm: "prefilled" | "blank";
  /** Newest first. */
  readonly runs: readonly OtherRun[];
  /** Runs that are not among them. */
  readonly n_more: number;
}

/** What a reader adds to a cell beside its value. Absent keys mean nothing was added; unknown ones are kept. */
export interface CellNote {
  readonly comment?: string;
  /** May hold `IMAGE_DISAGREES` of `codes.ts`. */
  readonly flags?: readonly string[];
  /** The reader's own evidence, in place of the machine's; empty when no words support the cell. */
  readonly evidence?: readonly Span[];
  /** Name of the value that the image shows; only beside the flag. */
  readonly image_value?: string;
  readonly [other: string]: unknown;
}

/** What a reader says of the whole case. Absent keys mean nothing was said. */
export interface CaseNote {
  readonly comment?: string;
  readonly flagged?: boolean;
  /** Why the case was put off; only in a draft that was skipped, and gone once it is read after all. */
  readonly skipped?: Skipped;
}

export interface Skipped {
  readonly reason: string;
  readonly note: string;
}

export interface LabelBody {
  readonly cells: Readonly<Record<string, CellNote>>;
  readonly case?: CaseNote;
  readonly measurements?: readonly Measurement[];
}

/** One complete set of labels. Every draft, reading and undo step is one of these. */
export interface Labels {
  readonly values: string;
  readonly urgencies: string;
  readonly body: LabelBody;
}

export interface Draft extends Labels {
  readonly version: number;
  readonly active_seconds: number;
  readonly client_id: string;
  readonly saved_at: string;
}

export interface Reading extends Labels {
  readonly revision: number;
  readonly submitted_at: string;
  readonly active_seconds: number;
}

export type CaseState = "new" | "draft" | "skipped" | "returned" | "submitted";

/** One of the words of a thread. `author` is "you" or a role: no names. */
export interface NoteWords {
  readonly id: number;
  readonly author: string;
  readonly text: string;
  readonly at: string;
}

/** A note of the reader, or one written to them, and the answers to it. */
export interface NoteThread extends NoteWords {
  readonly kind: "comment" | "flag" | "return";
  /** Key of the cell; empty for the whole case. */
  readonly cell: string;
  readonly is_settled: boolean;
  readonly answers: readonly NoteWords[];
}

/** The latest words that guide readers, of a finding or of the project. */
export interface Guideline {
  readonly version: number;
  readonly text: string;
  readonly what_changed: string;
  readonly written_at: string;
  /** Written since the reader's last reading. */
  readonly is_new: boolean;
}

/** By the name of the finding; the project's own has no name. */
export type Guidelines = Readonly<Record<string, Guideline>>;

/** Until when a case of the queue is this reader's. Lapsed: it went back, and what was typed is kept. */
export interface Reservation {
  readonly until: string | null;
  readonly is_lapsed: boolean;
}

export interface CasePayload {
  readonly case: {
    readonly id: number;
    readonly key: string;
    readonly position: number;
    readonly total: number;
    readonly state: CaseState;
    readonly done: number;
    /** Whether the reader reads the case; others only look at it. */
    readonly is_own?: boolean;
  };
  readonly report: ReportData;
  /** Goes back to the server with what is saved. */
  readonly round: number;
  readonly arm: "prefilled" | "blank";
  readonly prefill: Prefill | null;
  readonly draft: Draft | null;
  readonly reading: Reading | null;
  /** The reader's threads on this case, oldest first. */
  readonly notes: readonly NoteThread[];
  /** Why the case counts for nothing; null when it counts. */
  readonly excluded: string | null;
  /** The latest version of each guideline. */
  readonly guidelines: Readonly<Record<string, number>>;
  /** How many series there are to look at; null when the case has no images. */
  readonly images: { readonly n_series: number } | null;
  readonly urls: {
    readonly draft: string;
    readonly submit: string;
    readonly skip: string;
    readonly reopen: string;
    readonly notes: string;
    readonly guidelines: string;
    readonly next: string;
    readonly page: string;
    readonly images: string;
    readonly labels: string;
    readonly viewer: string;
    readonly jump: string;
    readonly summary: string;
    readonly heartbeat?: string;
    readonly give_back?: string;
  };
  /** Of a case that was taken from the queue. */
  readonly reservation?: Reservation | null;
}

export interface DraftRequest extends Labels {
  readonly version: number;
  readonly active_seconds_delta: number;
  readonly key_presses_delta: number;
  readonly client_id: string;
  /** The run that the screen was pre-filled by, null for a blank form. */
  readonly prefill_run: string | null;
  /** That of the payload. */
  readonly round: number;
}

export interface SubmitRequest extends DraftRequest {
  readonly submission_id: string;
  readonly acknowledged: readonly string[];
  /** The version shown of each guideline. */
  readonly guidelines: Readonly<Record<string, number>>;
}

export interface SkipRequest extends DraftRequest {
  readonly reason: string;
  readonly note: string;
}

/** Why a submitted reading is opened again; `version` is that of the draft. */
export interface ReopenRequest {
  readonly version: number;
  readonly reason: string;
  readonly note: string;
}

/** A note of the reader, or an answer to the thread `parent`. */
export interface NoteRequest {
  readonly kind: "comment" | "flag";
  readonly cell: string;
  readonly text: string;
  readonly parent: number | null;
}

export interface NextAnswer {
  readonly case: CasePayload | null;
  readonly remaining: number;
}
