import type { Call, Events, Limits, Phase, State } from './socket-types.js';
import type { ClientState, Dialect } from './types.js';
/** Changes the copy of the state that it is given. */
declare type Handler<Name extends keyof Events> = (state: State, ...args: Parameters<Events[Name]>) => void;
declare type Row = {
    readonly [Name in keyof Events]?: Handler<Name>;
};
/** Browsers report a connection that was lost, or never stood, with this code. */
export declare const LOST = 1006;
/** `now` and `effects` come with the first event. */
export declare function initial(wanted: Dialect | 'auto'): State;
/** As the server has told. */
export declare const limitsOf: ({ welcome }: State) => Limits;
/** As the application sees it. */
export declare function clientState({ phase, hasOpened }: State): ClientState;
/** What is not in the table changes nothing. */
export declare function transition(state: State, now: number, [name, ...args]: Call<Events>): State;
export declare const TABLE: Readonly<Record<Phase, Row>>;
export {};
