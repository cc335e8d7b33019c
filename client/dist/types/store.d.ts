/** What a page needs to go on after a reload. */
interface KeptSession {
    id: string;
    session: string;
    seq: number;
}
/**
 * Keeps a session over a reload. It is written when the page goes, and taken when it comes: so a
 * tab that was duplicated does not take the session away from its original.
 */
export declare function putSession(name: string, kept: KeptSession): void;
/** What was kept under this name, if anything, and is kept no more. */
export declare function takeSession(name: string | false | undefined): KeptSession | null;
export {};
