import type { Dialect } from './types.js';
/** What others are told, without what is left of characters that were cut. */
export declare function nameOf(name: string | null | undefined): string | null;
/** With which a room is joined: in v1 there must be one. */
export declare function joiningName(name: string | null | undefined, dialect: Dialect | undefined): string;
