/**
 * SHA-256 (FIPS 180-4) of a text's UTF-8, in hexadecimal. `crypto.subtle` is there on https pages
 * only, and answers later, when other messages have come.
 */
export declare function sha256(text: string): string;
