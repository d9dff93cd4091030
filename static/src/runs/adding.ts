/** Fetches the page that a link leads to, and takes from it the sections that the server did not add up at once. */

const SECTIONS = ["wrong", "stages"];

export async function addUp(link: HTMLAnchorElement): Promise<void> {
  link.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of SECTIONS) {
      const there = page.getElementById(id);
      if (there) document.getElementById(id)?.replaceWith(there);
    }
  } catch {
    link.removeAttribute("aria-busy"); // it stays a link
  }
}
