/**
 * A random UUID, on pages too that browsers do not call secure, which have no `randomUUID`, and
 * where there is no `crypto` at all, as in Node 18.
 */
export function randomID(): string {
  const crypto = globalThis.crypto as Partial<Crypto> | undefined;
  const bytes = crypto?.getRandomValues?.(new Uint8Array(36));
  return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g,
    (_, at: number) => ((bytes?.[at] ?? Math.random() * 256) & 15).toString(16));
}
