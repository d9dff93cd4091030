/** The keys in force: those the commands come with, and what the reader put in their place. Knows no page. */

import { BINDINGS, commandFor } from "./keys";
import type { Binding, Command, Pane } from "./keys";
import type { SchemaTable } from "./schema";

export type Overrides = Readonly<Record<string, readonly string[]>>;

/** What a file of keys is marked with, so that another file is not taken for one. */
const FILE_MARK = "overread-keys";
const MAX_CHORDS = 4;
const CHORD = /^(?:Ctrl\+)?(?:Alt\+)?(?:Shift\+)?\S{1,20}$/;
/** Chords that the browser or the page needs, whatever a reader would like. */
const RESERVED = new Set(["Tab", "Shift+Tab", "Escape", "Ctrl+w", "Ctrl+t", "Ctrl+n", "Ctrl+Shift+n", "Ctrl+Shift+t", "Ctrl+Shift+w"]);

/** Names a binding for good: its panes if it is bound more than once, and what it does. */
export function bindingId(binding: Binding): string {
  const parts = (value: unknown): string[] =>
    typeof value === "object" && value !== null ? Object.values(value).flatMap(parts) : [String(value)];
  return parts(binding.command).join(":");
}

export type Clash =
  /** Another command has it in a pane that both share. */
  | { readonly kind: "taken"; readonly by: Binding }
  /** It is the letter of a target. */
  | { readonly kind: "letter"; readonly target: string }
  /** It is the letter of a finding, which wins behind the letter of a target, where a value is wanted. */
  | { readonly kind: "finding"; readonly finding: string }
  | { readonly kind: "reserved" };

export interface SwapClash {
  readonly binding: Binding;
  readonly chord: string;
  readonly clash: Clash;
}

export class KeyMap {
  readonly overrides: Overrides;
  readonly bindings: readonly Binding[];

  constructor(overrides: Overrides = {}) {
    const known = new Set(BINDINGS.map(bindingId));
    this.overrides = Object.fromEntries(Object.entries(overrides).filter(([id]) => known.has(id)));
    this.bindings = BINDINGS.map((binding) => ({ ...binding, chords: this.overrides[bindingId(binding)] ?? binding.chords }));
  }

  commandFor(chord: string, context: { pane: Pane; pendingColumn: boolean; schema: SchemaTable }): Command | null {
    return commandFor(chord, context, this.bindings);
  }

  /** Letters that are commands in the cells, so that no target is given one. */
  get cellLetters(): string {
    const chords = this.bindings.filter(({ panes }) => panes.includes("cells")).flatMap((binding) => binding.chords);
    return [...new Set(chords.filter((chord) => /^[a-z4-9]$/.test(chord)))].join("");
  }

  isOverridden(binding: Binding): boolean {
    return this.overrides[bindingId(binding)] !== undefined;
  }

  /** What stands against giving `chord` to a binding; null when nothing does. */
  clash(binding: Binding, chord: string, schema: SchemaTable): Clash | null {
    if (RESERVED.has(chord)) return { kind: "reserved" };
    const by = this.holderOf(chord, binding);
    if (by) return { kind: "taken", by };
    const row = binding.panes.includes("cells") || binding.panes.includes("report") ? schema.rowLetters.indexOf(chord) : -1;
    if (row >= 0) return { kind: "letter", target: schema.data.targets[row]?.title ?? chord };
    const column = binding.command.do === "value" ? schema.columnLetters.indexOf(chord) : -1;
    return column < 0 ? null : { kind: "finding", finding: schema.data.findings[column]?.name ?? chord };
  }

  /** What stands against swapping: the chord that one of the two could not be reached by afterwards. */
  swapClash(binding: Binding, other: Binding, chord: string, schema: SchemaTable): SwapClash | null {
    const swapped = this.swapped(binding, other, chord);
    for (const each of [binding, other]) {
      for (const got of swapped.chordsOf(each)) {
        const clash = swapped.clash(each, got, schema);
        if (clash) return { binding: each, chord: got, clash };
      }
    }
    return null;
  }

  /** The map in which `binding` has this chord alone. */
  with(binding: Binding, chord: string): KeyMap {
    return new KeyMap({ ...this.overrides, [bindingId(binding)]: [chord] });
  }

  /** The map in which two bindings have changed chords; the other gets what this one had. */
  swapped(binding: Binding, other: Binding, chord: string): KeyMap {
    const [id, otherId] = [bindingId(binding), bindingId(other)];
    const [mine, theirs] = [this.chordsOf(binding), this.chordsOf(other)];
    const left = [...theirs.filter((each) => each !== chord), ...mine.filter((each) => each !== chord)].slice(0, MAX_CHORDS);
    return new KeyMap({ ...this.overrides, [id]: [chord], [otherId]: left });
  }

  /** The map in which `binding` has its own chords again, and so has whatever took one of them. */
  reset(binding: Binding): KeyMap {
    const { [bindingId(binding)]: _gone, ...others } = this.overrides;
    const map = new KeyMap(others);
    const taker = map.bindings.find((each) => map.isOverridden(each) && each.chords.some((chord) => map.holderOf(chord, each)));
    return taker ? map.reset(taker) : map;
  }

  /** Another binding that has this chord in a pane of `binding`. */
  private holderOf(chord: string, binding: Binding): Binding | undefined {
    const id = bindingId(binding);
    const isHolder = (other: Binding): boolean => other.chords.includes(chord) && other.panes.some((pane) => binding.panes.includes(pane));
    return this.bindings.find((other) => bindingId(other) !== id && isHolder(other));
  }

  /** The chords that a binding has now. */
  private chordsOf(binding: Binding): readonly string[] {
    const id = bindingId(binding);
    return this.overrides[id] ?? BINDINGS.find((each) => bindingId(each) === id)?.chords ?? [];
  }

  toFile(): string {
    return `${JSON.stringify({ format: FILE_MARK, version: 1, keys: this.overrides }, null, 2)}\n`;
  }
}

/** The chords of a file that `toFile` wrote; null when it is none. */
export function readKeyFile(text: string): Overrides | null {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return null;
  }
  const { format, keys } = (file ?? {}) as { format?: unknown; keys?: unknown };
  if (format !== FILE_MARK || typeof keys !== "object" || keys === null) return null;
  const entries = Object.entries(keys as Record<string, unknown>);
  const isFit = entries.every(
    ([, chords]) =>
      Array.isArray(chords) &&
      chords.length <= MAX_CHORDS &&
      chords.every((chord) => typeof chord === "string" && CHORD.test(chord) && !RESERVED.has(chord)),
  );
  return isFit ? (Object.fromEntries(entries) as Overrides) : null;
}
