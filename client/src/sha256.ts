const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by));
const mix = (word: number, one: number, two: number, three: number): number =>
  rotate(word, one) ^ rotate(word, two) ^ rotate(word, three);
/** The first 32 bits behind the point. */
const fraction = (root: number): number => ((root % 1) * 2 ** 32) | 0;

/**
 * SHA-256 (FIPS 180-4) of a text's UTF-8, in hexadecimal. `crypto.subtle` is there on https pages
 * only, and answers later, when other messages have come.
 */
export function sha256(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const blocks = new DataView(new ArrayBuffer(((bytes.length + 72) >> 6) << 6));
  [...bytes, 0x80].forEach((byte, at) => blocks.setUint8(at, byte));
  blocks.setUint32(blocks.byteLength - 4, bytes.length * 8);
  const primes: number[] = [];
  for (let one = 2; primes.length < 64; one += 1) {
    if (primes.every((prime) => one % prime)) primes.push(one);
  }
  let hash = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  for (let at = 0; at < blocks.byteLength; at += 64) {
    const w = Array.from({ length: 16 }, (_, i) => blocks.getInt32(at + i * 4));
    let state = hash;
    primes.forEach((prime, i) => {
      const [a, b, c, d, e, f, g, h] = state as [
        number, number, number, number, number, number, number, number];
      if (i > 15) {
        const [x, y] = [w[i - 15]!, w[i - 2]!];
        w[i] = (w[i - 16]! + w[i - 7]! + (rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3))
          + (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10))) | 0;
      }
      const one = h + mix(e, 6, 11, 25) + ((e & f) ^ (~e & g))
        + fraction(Math.cbrt(prime)) + w[i]!;
      const two = mix(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
      state = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
    });
    hash = hash.map((word, i) => (word + state[i]!) | 0);
  }
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
