/** Notes on the case and its cells, with answers: shown at the focused cell, written in a dialog. */

import { byId, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import { writeNote } from "./api";
import type { ReadingPage } from "./page";
import type { CasePayload, NoteRequest, NoteThread } from "./types";
import { createCardNotes } from "./view/cardNotes";
import { openNotesDialog } from "./view/notesDialog";

const WHOLE_CASE = "";

export class Notes {
  readonly view = createCardNotes(() => this.open());
  private readonly page: ReadingPage;
  private threads: readonly NoteThread[] = [];
  private noted: ReadonlySet<string> = new Set();

  constructor(page: ReadingPage) {
    this.page = page;
    byId("notes-button").addEventListener("click", () => page.run({ do: "case-notes" }));
  }

  begin(payload: CasePayload): void {
    this.take(payload.notes);
  }

  /** Cells that have notes. */
  get cells(): ReadonlySet<number> {
    const { schema } = this.page;
    return new Set([...this.noted].flatMap((cell) => schema.indexOf(cell) ?? []));
  }

  draw(): void {
    this.view.update(this.of(this.focused));
  }

  /** The notes on the focused cell. */
  open(): void {
    const { schema, state } = this.page;
    this.show(this.focused, `Notes on ${schema.targetTitle(state.focus)} · ${schema.findingName(state.focus)}`, "comment");
  }

  /** The notes on the case, ready to tell the manager something. */
  openCase(): void {
    this.show(WHOLE_CASE, "Notes on the case", "flag");
  }

  private show(cell: string, title: string, kind: NoteRequest["kind"]): void {
    const { page } = this;
    if (page.hasDialog) return;
    const { session } = page;
    openNotesDialog(
      { title, kind, threads: () => this.of(cell) },
      {
        write: async (said) => {
          const result = await writeNote(session.payload.urls.notes, { ...said, cell });
          if (result.kind === "notes") {
            if (session === page.session) {
              this.take(result.notes);
              page.render();
            }
            return true;
          }
          const why = result.kind === "refused" ? result.message : "the server cannot be reached, or you are signed out";
          toast(`Not sent: ${why}.`, { tone: "warn" });
          return false;
        },
        close: () => page.dialogClosed(),
      },
    );
  }

  private get focused(): string {
    return this.page.schema.place(this.page.state.focus).key;
  }

  private of(cell: string): readonly NoteThread[] {
    return this.threads.filter((thread) => thread.cell === cell);
  }

  private take(threads: readonly NoteThread[]): void {
    this.threads = threads;
    this.noted = new Set(threads.map(({ cell }) => cell).filter((cell) => cell !== WHOLE_CASE));
    const n = this.of(WHOLE_CASE).length;
    setText(byId("notes-button"), n > 0 ? `notes ${n}` : "notes");
  }
}
