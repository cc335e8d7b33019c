/** What is settled first, within so many milliseconds; undefined where nothing is. */
export declare function within<T>(ms: number, ...promises: (T | Promise<T>)[]): Promise<T | undefined>;
