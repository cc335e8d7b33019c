import type { Dialect } from './types.js';
/** What others are told: half a character, which the server refuses, becomes one that says so. */
export declare function nameOf(name: string | null | undefined): string | null;
/** With which a room is joined: in v1 there must be one. */
export declare function joiningName(name: string | null | undefined, dialect: Dialect | undefined): string;
