import type { ProblemCode } from './types.js';

/** Whether the client gives up: `at first` where no connection ever stood. */
export type Finality = 'yes' | 'no' | 'at first';
type Row = readonly [final: Finality, meaning: string, advice: string];

/** What each code means, and what to do; docs/client.md has the same table. */
export const CODES: Readonly<Record<string, Row>> = {
  invalid_token: ['no', 'the server does not take the token', 'give a fresh one of this server'],
  insufficient_scope: ['yes', 'the token lacks the scope `signal`', 'ask for one that has it'],
  origin_not_allowed: ['yes', 'pages of this origin are not let in', 'register the origin'],
  client_mismatch: ['yes', 'the session is another client\'s', 'sign in to this one'],
  too_many_connections: ['no', 'there are too many connections', 'wait'],
  temporarily_unavailable: ['no', 'the server is full or goes down', 'wait'],
  room_forbidden: ['yes', 'the token does not grant the room', 'ask for one that does'],
  room_full: ['yes', 'the room is full', 'try later, or another'],
  too_many_rooms: ['yes', 'the connection is in too many rooms', 'leave one'],
  peer_id_taken: ['yes', 'another peer in the room has this `id`', 'choose another'],
  token_unavailable: ['no', 'there is no token', 'see what gives the tokens'],
  token_malformed: ['at first', 'this is no token', 'see what `getToken` gives'],
  unreachable: ['no', 'the server cannot be reached', 'see whether it runs, and its address'],
  blocked_by_page: ['yes', 'the page may not connect to the server',
    'allow it in its Content-Security-Policy, and use `wss:`'],
  kicked: ['yes', 'an operator closed the connection, or the token was revoked', 'sign in again'],
  replaced: ['yes', 'another connection of this peer took its place', 'go on there, or reload'],
  server_restarting: ['no', 'the server restarts', 'wait'],
  protocol_error: ['yes', 'client and server do not understand each other',
    'see whether it is Usher, and what stands between'],
  closed: ['yes', '`close` was called', 'make another client'],
};

/** Whether nobody should come back by himself after this close (docs/protocol.md §4). */
export function isFinalClose(code: number): boolean {
  return [1002, 1003, 1007, 1009].includes(code) || code >= 4500;
}

/** The codes of those closes that are told of as problems. */
export function codeOfClose(closeCode: number): ProblemCode | undefined {
  switch (closeCode) {
    case 1012: return 'server_restarting';
    case 4501: return 'kicked';
    case 4509: return 'replaced';
    default: return isFinalClose(closeCode) ? 'protocol_error' : undefined;
  }
}

/** @param hasOpened Whether a connection ever stood. */
export function isFinal(code: ProblemCode, hasOpened: boolean): boolean {
  const final = CODES[code]?.[0];
  return final === 'yes' || (final === 'at first' && !hasOpened);
}

/** A text for people, with what was said besides. */
export function explain(code: ProblemCode, said?: string): string {
  const row = CODES[code];
  const text = row ? `${row[1]}; ${row[2]}`.replace(/`/g, '') : `the server refused: ${code}`;
  return text.charAt(0).toUpperCase() + text.slice(1) + (said ? ` (${said})` : '');
}
