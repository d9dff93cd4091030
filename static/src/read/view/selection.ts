/** From the words that are selected on screen to offsets into the report. */

import { wholeWords } from "../passages";
import type { CodePointText } from "../spans";
import type { Span } from "../types";
import type { Piece } from "./reportText";

/** Whole words of the report that are selected, in code points; null when none are. */
export function selectedPassage(pieces: readonly Piece[], text: CodePointText): Span | null {
  const selection = window.getSelection();
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return null;
  const range = selection.getRangeAt(0);
  const touched = pieces.filter(({ element }) => range.intersectsNode(element));
  const [first, last] = [touched[0], touched.at(-1)];
  if (!first || !last) return null;
  const start = offsetIn(first, range.startContainer, range.startOffset, text) ?? first.segment.start;
  const end = offsetIn(last, range.endContainer, range.endOffset, text) ?? last.segment.end;
  return start < end ? wholeWords(text, [start, end]) : null;
}

/** Where a boundary of the selection lies in the report; null when it is not in the words of this piece. */
function offsetIn(piece: Piece, container: Node, offset: number, text: CodePointText): number | null {
  if (container.nodeType !== Node.TEXT_NODE || container.parentElement !== piece.element) return null;
  return text.toCodePoint(text.toUnit(piece.segment.start) + offset);
}
