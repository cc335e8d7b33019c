import type { ProblemCode } from './types.js';

/** A promise that is settled from without. Nobody need wait for it. */
export class Ready {
  resolve!: () => void;
  private refuse!: (err: Error) => void;
  readonly promise = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.refuse = reject;
  });

  constructor() {
    this.promise.catch(() => undefined);
  }

  reject(code: ProblemCode, message: string): void {
    this.refuse(Object.assign(new Error(message), { code }));
  }
}
