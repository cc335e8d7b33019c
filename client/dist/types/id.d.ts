/**
 * A random UUID, on pages too that browsers do not call secure, which have no `randomUUID`, and
 * where there is no `crypto` at all, as in Node 18: it must be unlike others, but is no secret.
 */
export declare function randomID(): string;
