/** Files that a user chose or dropped, with their places in the folder they came from. */

export interface Chosen {
  readonly file: File;
  /** Path below what was chosen, with slashes. */
  readonly path: string;
}

const BATCH_FILES = 90;
const BATCH_BYTES = 128 * 1024 * 1024;

export function fromInput(input: HTMLInputElement): readonly Chosen[] {
  return [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Groups that are small enough for one request each; a file that is larger goes alone. */
export function batches(chosen: readonly Chosen[]): Chosen[][] {
  const found: Chosen[][] = [];
  let batch: Chosen[] = [];
  let nBytes = 0;
  for (const entry of chosen) {
    if (batch.length && (batch.length >= BATCH_FILES || nBytes + entry.file.size > BATCH_BYTES)) {
      found.push(batch);
      batch = [];
      nBytes = 0;
    }
    batch.push(entry);
    nBytes += entry.file.size;
  }
  if (batch.length) found.push(batch);
  return found;
}

/** What was dropped, folders with all that is in them. */
export async function droppedFiles(data: DataTransfer): Promise<readonly Chosen[]> {
  // Entries must be taken before the first wait: the list is emptied after the event.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.length) return [...data.files].map((file) => ({ file, path: file.name }));
  const found: Chosen[] = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry: FileSystemEntry, found: Chosen[]): Promise<void> {
  if (entry instanceof FileSystemFileEntry || entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (!part.length) return;
    for (const child of part) await walk(child, found);
  }
}
