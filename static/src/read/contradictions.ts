/** What does not go together in one reading. The rule part has the meaning of `Schema.contradictions` on the server. */

import { NO_URGENCY, isPositive } from "./codes";
import type { SchemaTable } from "./schema";
import type { Labels } from "./types";

export interface Contradiction {
  /** `target|finding|forbidden`, which is what the server wants acknowledged; `...|urgency` for an urgency. */
  readonly key: string;
  readonly kind: "findings" | "urgency";
  /** The cells to look at, the one to correct first. */
  readonly cells: readonly number[];
  readonly says: string;
  readonly because: string;
}

export function findContradictions(labels: Labels, schema: SchemaTable): Contradiction[] {
  return [...clashingFindings(labels, schema), ...strayUrgencies(labels, schema)];
}

/** In one target, a positive finding does not go with a positive value of any finding that it forbids. */
function clashingFindings(labels: Labels, schema: SchemaTable): Contradiction[] {
  const found: Contradiction[] = [];
  const positiveCell = (target: string, finding: string): number | null => {
    const index = schema.indexOf(`${target}|${finding}`);
    return index !== null && isPositive(labels.values.charAt(index)) ? index : null;
  };
  for (const target of schema.data.targets) {
    for (const rule of schema.data.contradictions) {
      const index = positiveCell(target.name, rule.finding);
      if (index === null) continue;
      for (const forbidden of rule.forbids) {
        const other = positiveCell(target.name, forbidden);
        if (other === null) continue;
        found.push({
          key: `${target.name}|${rule.finding}|${forbidden}`,
          kind: "findings",
          cells: [other, index],
          says: `${target.title}: ${rule.finding} and ${forbidden}`,
          because: rule.because,
        });
      }
    }
  }
  return found;
}

/** Only a present or possible finding has an urgency. */
function strayUrgencies(labels: Labels, schema: SchemaTable): Contradiction[] {
  return schema.cells
    .filter(({ index }) => labels.urgencies.charAt(index) !== NO_URGENCY && !isPositive(labels.values.charAt(index)))
    .map(({ index, key }) => ({
      key: `${key}|urgency`,
      kind: "urgency" as const,
      cells: [index],
      says: `${schema.targetTitle(index)}: urgency without ${schema.findingName(index)}`,
      because: "only a present or possible finding has an urgency",
    }));
}
