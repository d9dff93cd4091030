/** Bytes from the server, asked for again after a lost network or a restart. */

export class SignedOut extends Error {}
/** The server answered, and will not answer otherwise when asked again. */
export class Refused extends Error {}

export interface Fetching {
  readonly signal: AbortSignal;
  /** Called before each wait, with how many attempts have failed. */
  readonly onRetry?: (failures: number) => void;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const retryDelay_ms = (failures: number): number => Math.min(500 * 2 ** (failures - 1), 10_000);

/** Waits; ends early when the network comes back. */
async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    }
    window.addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}

function checked(response: Response): Response | null {
  if (response.ok) return response;
  const { status } = response;
  if (status === 401 || status === 403) throw new SignedOut("You are signed out. Sign in again in another window; reading goes on here.");
  if (status === 404 || status === 410 || status === 416) throw new Refused(`The server has no such picture (${status}).`);
  return null;
}

/** Runs `read` on the answer, as often as it takes. @throws SignedOut, Refused, or the abort's reason. */
export async function fetchWithRetry<T>(
  url: string,
  headers: Readonly<Record<string, string>>,
  read: (response: Response) => Promise<T>,
  { signal, onRetry, pause = pauseFor }: Fetching,
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      const response = checked(await fetch(url, { headers, signal, credentials: "same-origin" }));
      if (response) return await read(response);
    } catch (error) {
      // Lost networks are TypeErrors, and so are bodies that end early.
      if (signal.aborted || !(error instanceof TypeError)) throw error;
    }
    failures += 1;
    onRetry?.(failures);
    await pause(retryDelay_ms(failures), signal);
    signal.throwIfAborted();
  }
}

/** Bytes `start` to `end` (exclusive) of a file; from a server without ranges the whole, cut here. */
export function fetchRange(url: string, start: number, end: number, fetching: Fetching): Promise<Uint8Array> {
  const read = async (response: Response): Promise<Uint8Array> => {
    const bytes = new Uint8Array(await response.arrayBuffer());
    const part = response.status === 206 ? bytes : bytes.subarray(start, end);
    if (part.length !== end - start) throw new TypeError(`${part.length} of ${end - start} bytes arrived`);
    return part;
  };
  return fetchWithRetry(url, { Range: `bytes=${start}-${end - 1}` }, read, fetching);
}
