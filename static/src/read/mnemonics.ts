/**
 * One key per name, so that a row and a column are each one key away, in any schema.
 *
 * First come initials, in order; then the initials of later words, then any other letter of the name, then any free
 * letter. Digits 4 to 9 may stand for names such as "L4-L5"; 0 to 3 set values and are never used. Names that are
 * left over when letters run out get null: arrows reach them.
 */

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const USABLE = /^[a-z4-9]$/;

export function assignMnemonics(names: readonly string[], reserved = ""): (string | null)[] {
  const taken = new Set(reserved);
  const result: (string | null)[] = names.map(() => null);
  const rounds: ((name: string) => string[])[] = [
    (name) => initials(name).slice(0, 1),
    initials,
    (name) => [...name.toLowerCase()],
    () => [...LETTERS],
  ];
  for (const candidates of rounds) {
    for (const [position, name] of names.entries()) {
      if (result[position] !== null) continue;
      const free = candidates(name).find((letter) => USABLE.test(letter) && !taken.has(letter));
      if (free === undefined) continue;
      result[position] = free;
      taken.add(free);
    }
  }
  return result;
}

function initials(name: string): string[] {
  return name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 0)
    .map((word) => word.slice(0, 1));
}

/** Where in `name` its mnemonic is underlined: the start of a word if it can be, -1 when it is not in the name. */
export function mnemonicPosition(name: string, letter: string): number {
  const lower = name.toLowerCase();
  for (let position = 0; position < lower.length; position += 1) {
    const starts = position === 0 || !/[a-z0-9]/.test(lower.charAt(position - 1));
    if (starts && lower.charAt(position) === letter) return position;
  }
  return lower.indexOf(letter);
}
