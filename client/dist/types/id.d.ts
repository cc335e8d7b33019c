/** A random UUID, on pages too that browsers do not call secure, which have no `randomUUID`. */
export declare function randomID(): string;
