/**
 * A random UUID, on pages too that browsers do not call secure, which have no `randomUUID`, and
 * where there is no `crypto` at all, as in Node 18.
 */
export function randomID(): string {
  const crypto = globalThis.crypto as Partial<Crypto> | undefined;
  return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, () => {
    const byte = crypto?.getRandomValues?.(new Uint8Array(1))[0] ?? Math.random() * 16;
    return (byte & 15).toString(16);
  });
}
