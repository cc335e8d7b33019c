import type { ProblemCode } from './types.js';
/** Whether the client gives up: `at first` where no connection ever stood. */
export declare type Finality = 'yes' | 'no' | 'at first';
declare type Row = readonly [final: Finality, meaning: string, advice: string];
/** What each code means, and what to do; docs/client.md has the same table. */
export declare const CODES: Readonly<Record<string, Row>>;
/** Whether nobody should come back by himself after this close (docs/protocol.md §4). */
export declare function isFinalClose(code: number): boolean;
/** The codes of those closes that are told of as problems. */
export declare function codeOfClose(closeCode: number): ProblemCode | undefined;
/** @param hasOpened Whether a connection ever stood. */
export declare function isFinal(code: ProblemCode, hasOpened: boolean): boolean;
/** A text for people, with what was said besides. */
export declare function explain(code: ProblemCode, said?: string): string;
export {};
