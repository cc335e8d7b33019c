/** Whether nobody should come back by himself after this close (docs/protocol.md §4). */
export declare function isFinal(code: number): boolean;
/** What a close means, for people. */
export declare function explain(code: number, reason: string): string;
