/** What a page needs to go on after a reload. */
export interface KeptSession {
    id: string;
    session: string;
    seq: number;
}
/**
 * Keeps a session over a reload. It is written when the page goes, and taken when it comes: so a
 * tab that was duplicated does not take the session away from its original.
 */
export declare class SessionStore {
    private readonly key;
    constructor(name: string);
    take(): KeptSession | undefined;
    put(kept: KeptSession): void;
}
