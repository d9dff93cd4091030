/** Arrow keys in a table whose cells hold links: one of them is reached with Tab, the others with the arrows. */

type Place = readonly [row: number, column: number];

const STEPS: Readonly<Record<string, Place>> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

export function bindGridKeys(table: HTMLTableElement): void {
  const rows = [...table.querySelectorAll("tbody tr")];
  const grid = rows.map((row) => [...row.children].map((cell) => cell.querySelector<HTMLAnchorElement>("a[href]")));
  const links = grid.flat().filter((link) => link !== null);
  const first = links.find((link) => link.hasAttribute("aria-current")) ?? links[0];
  if (!first) return;
  select(first);

  function select(link: HTMLAnchorElement): void {
    for (const each of links) each.tabIndex = each === link ? 0 : -1;
  }

  /** The next link from a place in steps, over the holes of the grid; null at its edge. */
  function walk([row, column]: Place, [down, right]: Place): HTMLAnchorElement | null {
    for (;;) {
      row += down;
      column += right;
      const link = grid[row]?.[column];
      if (link === undefined) return null;
      if (link) return link;
    }
  }

  /** The first or last link of a row, or of the table. */
  function end(row: number, key: string, whole: boolean): HTMLAnchorElement | undefined {
    const among = whole ? links : (grid[row] ?? []).filter((link) => link !== null);
    return key === "Home" ? among[0] : among[among.length - 1];
  }

  table.addEventListener("focusin", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href]") : null;
    if (link && links.includes(link)) select(link);
  });
  table.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || event.shiftKey) return;
    const row = grid.findIndex((cells) => cells.some((link) => link === event.target));
    const column = grid[row]?.findIndex((link) => link === event.target) ?? -1;
    if (column < 0) return;
    const step = event.ctrlKey ? undefined : STEPS[event.key];
    const isEnd = event.key === "Home" || event.key === "End";
    if (!step && !isEnd) return;
    event.preventDefault();
    (step ? walk([row, column], step) : end(row, event.key, event.ctrlKey))?.focus();
  });
}
