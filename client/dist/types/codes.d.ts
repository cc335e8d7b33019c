import type { ProblemCode } from './types.js';
declare type Row = readonly [final: 'yes' | 'no' | 'at first', advice: string];
/** Which failures are final, `at first` where no connection ever stood; docs/client.md has them. */
export declare const CODES: Readonly<Record<string, Row>>;
/** Of those closes that are told as problems; where it is final nobody comes back by himself. */
export declare function codeOfClose(closeCode: number): ProblemCode | undefined;
/** @param hasOpened Whether a connection ever stood. */
export declare function isFinal(code: ProblemCode, hasOpened: boolean | undefined): boolean;
/** A text for people: what has happened, what to do, and what was said besides. */
export declare function explain(code: ProblemCode, said?: string): string;
export {};
