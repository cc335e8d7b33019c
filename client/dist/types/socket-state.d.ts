import type { Event, Phase, State, Step } from './socket-types.js';
import type { ClientState, Dialect } from './types.js';
declare type Of<Type> = Extract<Event, {
    type: Type;
}>;
declare type Handler<Type> = (state: State, event: Of<Type>) => Step;
declare type Table = {
    readonly [P in Phase]: {
        [Type in Event['type']]?: Handler<Type>;
    };
};
/** Browsers report a connection that was lost, or never stood, with this code. */
export declare const LOST = 1006;
export declare function initial(wanted: Dialect | 'auto'): State;
/** As the application sees it. */
export declare function clientState({ phase, hasOpened }: State): ClientState;
/** What is not in the table changes nothing. */
export declare function transition(state: State, event: Event): Step;
export declare const TABLE: Table;
export {};
