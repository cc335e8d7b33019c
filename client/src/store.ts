/** What a page needs to go on after a reload. */
interface KeptSession {
  id: string;
  session: string;
  seq: number;
}

const keyOf = (name: string): string => `usher-session:${name}`;

/**
 * Keeps a session over a reload. It is written when the page goes, and taken when it comes: so a
 * tab that was duplicated does not take the session away from its original.
 */
export function putSession(name: string, kept: KeptSession): void {
  try {
    sessionStorage.setItem(keyOf(name), JSON.stringify(kept));
  } catch {
    // Storage may be forbidden. Then the page joins afresh.
  }
}

/** What was kept under this name, if anything, and is kept no more. */
export function takeSession(name: string | false | undefined): KeptSession | null {
  if (!name) return null;
  try {
    const kept = JSON.parse(sessionStorage.getItem(keyOf(name))!) as KeptSession | null;
    sessionStorage.removeItem(keyOf(name));
    return kept;
  } catch {
    return null;
  }
}
