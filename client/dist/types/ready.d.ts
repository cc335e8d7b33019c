import type { ProblemCode } from './types.js';
/** A promise that is settled from without. Nobody need wait for it. */
export declare class Ready {
    resolve: () => void;
    private refuse;
    readonly promise: Promise<void>;
    constructor();
    reject(code: ProblemCode, message: string): void;
}
