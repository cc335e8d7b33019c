/**
 * A random UUID, on pages too that browsers do not call secure, which have no `randomUUID`, and
 * where there is no `crypto` at all, as in Node 18.
 */
export declare function randomID(): string;
