/** What the server stores of figures; null is undefined, never 0. */

export interface Row {
  readonly row: string;
  readonly metric: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number | null;
  readonly n_positive: number | null;
  readonly p: number | null;
}

/** What a row is about, with the counts behind it; `scope` is cell, finding, target or all. */
export interface Place {
  readonly row: string;
  readonly scope: "cell" | "finding" | "target" | "all";
  readonly target: string;
  readonly finding: string;
}

/** Two labelers on the same pairs: A is `first`, B is `second`. */
export interface Compared {
  readonly row: string;
  readonly metric: string;
  readonly first: number | null;
  readonly second: number | null;
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number | null;
  readonly n_positive: number | null;
  readonly p_permutation: number | null;
  readonly holm_permutation: number | null;
}

export interface About {
  readonly n_by_reader: Readonly<Record<string, number>>;
}

/** What is drawn of one labeler. */
export interface Result {
  readonly rows: readonly Row[];
  readonly counts: readonly Place[];
  readonly about: About;
}

/** One line of the data behind a plot, as its CSV shows it. */
export type Line = Readonly<Record<string, string | number | null>>;
