import type { ClientEvent, EventName, Listener, WebRtcClientEvents } from './types.js';

/** Calls listeners in the order in which they were added. One that throws stops no other. */
export class Emitter {
  private readonly listeners = new Map<EventName, Set<Listener<EventName>>>();
  private isClosed = false;

  add<Name extends EventName>(type: Name, listener: Listener<Name>): void {
    const set = this.listeners.get(type) ?? new Set();
    set.add(listener as unknown as Listener<EventName>);
    this.listeners.set(type, set);
  }

  remove<Name extends EventName>(type: Name, listener: Listener<Name>): void {
    this.listeners.get(type)?.delete(listener as unknown as Listener<EventName>);
  }

  emit<Name extends EventName>(type: Name, detail: WebRtcClientEvents[Name]): void {
    if (this.isClosed) return;
    const event = { type, detail } as unknown as ClientEvent<EventName>;
    for (const listener of [...(this.listeners.get(type) ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        // As the browser does with listeners of its own: reported, and nobody else suffers.
        setTimeout(() => { throw error; });
      }
    }
  }

  close(): void {
    this.isClosed = true;
    this.listeners.clear();
  }
}
