/** What a page needs to go on after a reload. */
export interface KeptSession {
  id: string;
  session: string;
  seq: number;
}

/**
 * Keeps a session over a reload. It is written when the page goes, and taken when it comes: so a
 * tab that was duplicated does not take the session away from its original.
 */
export class SessionStore {
  private readonly key: string;

  constructor(name: string) {
    this.key = `usher-session:${name}`;
  }

  take(): KeptSession | undefined {
    try {
      const text = sessionStorage.getItem(this.key);
      sessionStorage.removeItem(this.key);
      const kept = text ? (JSON.parse(text) as Partial<KeptSession>) : undefined;
      const isWhole = kept && typeof kept.id === 'string' && typeof kept.session === 'string'
        && typeof kept.seq === 'number';
      return isWhole ? (kept as KeptSession) : undefined;
    } catch {
      return undefined;  // Storage may be forbidden.
    }
  }

  put(kept: KeptSession): void {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(kept));
    } catch {
      // Then the page joins afresh.
    }
  }
}
