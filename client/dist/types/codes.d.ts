import type { ProblemCode, SocketProblem } from './types.js';
/** What is to be done about each failure; docs/client.md has them. */
export declare const CODES: Readonly<Record<string, string>>;
/** Of those closes that are told as problems; where it is final nobody comes back by himself. */
export declare function codeOfClose(closeCode: number): ProblemCode | undefined;
/** What went wrong, before it is told. */
export interface Failure {
    code: ProblemCode;
    /** Besides what is to be told of the code; or instead of it. */
    said?: string;
    message?: string;
    /** Where the code alone does not tell. */
    final?: boolean;
    /** How long to wait at least before the next attempt. */
    leastMs?: number;
    /** What was thrown, where something was. */
    err?: unknown;
    closeCode?: number;
    reason?: string;
}
/** @param hasOpened Whether a connection ever stood. */
export declare function problemOf({ said, leastMs, ...more }: Failure, hasOpened?: boolean): SocketProblem;
/** A text for people: what has happened, what to do, and what was said besides. */
export declare function explain(code: ProblemCode, said?: string): string;
