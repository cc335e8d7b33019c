interface Reply {
    status: number;
    text: string;
    /** What the text is where it is JSON. */
    said: Record<string, any>;
    /** How long the server wants to be left alone. */
    leastMs: number;
    /** What its clock shows, in milliseconds. */
    now: number;
}
/** Asks the server; undefined where nothing answers. */
export declare function request(url: string, init: RequestInit): Promise<Reply | undefined>;
/** Posts a form to the server; undefined where nothing answers. */
export declare function post(url: string, credentials: RequestCredentials, form: Record<string, string | undefined>): Promise<Reply | undefined>;
/** Adds what is there. */
export declare function fill(to: URLSearchParams, values: Record<string, string | undefined>): URLSearchParams;
/** In milliseconds, from seconds or a date (RFC 9110 §10.2.3). */
export declare function retryAfter(value: string | null): number;
/** The object that a text is, or an empty one. */
export declare function parse(text: string): Record<string, any>;
export {};
