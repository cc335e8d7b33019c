import type { Address } from './address';
/**
 * Whether there is a server of ours, which speaks v1. Asked before a token goes into a URL, where
 * the classic dialect wants it.
 *
 * @returns undefined where nobody answers.
 */
export declare function speaksV1(address: Address): Promise<boolean | undefined>;
