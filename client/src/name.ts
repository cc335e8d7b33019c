import type { Dialect } from './types.js';

/** Half a character, which the server refuses. */
const HALVES = /\p{Cs}/gu;

/** What others are told, without what is left of characters that were cut. */
export function nameOf(name: string | null | undefined): string | null {
  return name?.replace(HALVES, '\ufffd') ?? null;
}

/** With which a room is joined: in v1 there must be one. */
export function joiningName(name: string | null | undefined, dialect: Dialect | undefined): string {
  return nameOf(name) || (dialect === 'v1' ? 'Guest' : '');
}
