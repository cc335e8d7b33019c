// What the tests use of Node, whose own types are no package here.
declare module 'node:test' {
  export function test(name: string, body: () => void | Promise<void>): void;
  export function afterEach(body: () => void): void;
  export function describe(name: string, body: () => void): void;
}

declare module 'node:assert/strict' {
  const assert: {
    (value: unknown, message?: string): asserts value;
    equal(actual: unknown, expected: unknown, message?: string): void;
    notEqual(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    throws(body: () => unknown, expected?: RegExp | object): void;
    rejects(body: Promise<unknown> | (() => Promise<unknown>), expected?: RegExp | object):
      Promise<void>;
    match(text: string, pattern: RegExp, message?: string): void;
    fail(message?: string): never;
  };
  export default assert;
}

declare module 'node:fs' {
  export function readFileSync(path: string, encoding: 'utf8'): string;
}

declare module 'node:path' {
  export function join(...parts: string[]): string;
}

declare const __dirname: string;

declare module 'node:crypto' {
  export function createHash(name: string): {
    update(text: string): { digest(form: string): string };
  };
}
