/** Whose page this is: the server wrote it when the page was opened. Another sign-in may since hold the session. */
export function readerId(): string {
  return document.getElementById("main")?.dataset["user"] ?? "";
}
