import type { ClientEvent, Emit, EventName, Listener } from './types.js';

/** Calls listeners in the order in which they were added. One that throws stops no other. */
export class Emitter {
  readonly #listeners: { [Name in EventName]?: Set<Listener<never>> } = {};
  /** No event comes after. */
  protected isSilent = false;

  addEventListener<Name extends EventName>(type: Name, listener: Listener<Name>): void {
    (this.#listeners[type] ??= new Set()).add(listener);
  }

  removeEventListener<Name extends EventName>(type: Name, listener: Listener<Name>): void {
    this.#listeners[type]?.delete(listener);
  }

  protected readonly emit: Emit = (type, detail) => {
    for (const listener of [...this.#listeners[type] ?? []]) {
      if (this.isSilent) return;
      try {
        listener({ type, detail } as ClientEvent<never>);
      } catch (error) {
        // As the browser does with listeners of its own: reported, and nobody else suffers.
        setTimeout(() => { throw error; });
      }
    }
  };
}
