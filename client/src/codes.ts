import type { ProblemCode, SocketProblem } from './types.js';

/** What is to be done about each failure; docs/client.md has them. */
export const CODES: Readonly<Record<string, string>> = {
  invalid_token: 'give one of this server',
  insufficient_scope: 'ask for the scope signal',
  origin_not_allowed: 'register it',
  client_mismatch: 'the session is another client\'s',
  too_many_connections: 'wait',
  temporarily_unavailable: 'wait',
  room_forbidden: 'ask for a token that grants it',
  room_full: 'try later',
  too_many_rooms: 'leave one',
  peer_id_taken: 'choose another id',
  token_unavailable: 'see what getToken gives',
  token_malformed: 'see what getToken gives',
  unreachable: 'see if a server runs there',
  blocked_by_page: 'allow the server in its Content-Security-Policy, and use wss:',
  kicked: 'by an operator, or the token is revoked: sign in again',
  replaced: 'by another page: go on there',
  server_restarting: 'wait',
  protocol_error: 'see what stands between',
  closed: 'make another client',
};

/** All others are final: nothing that the client could do by itself helps. */
const PASSING = [
  'invalid_token', 'too_many_connections', 'temporarily_unavailable', 'token_unavailable',
  'unreachable', 'server_restarting',
];

const CLOSES: Readonly<Record<number, ProblemCode>> = {
  1012: 'server_restarting', 4501: 'kicked', 4509: 'replaced',
};

/** Of those closes that are told as problems; where it is final nobody comes back by himself. */
export function codeOfClose(closeCode: number): ProblemCode | undefined {
  return CLOSES[closeCode]
    ?? (/^(100[2379]|4[5-9])/.test(`${closeCode}`) ? 'protocol_error' : undefined);
}

/** What went wrong, before it is told. */
export interface Failure {
  code: ProblemCode;
  /** Besides what is to be told of the code; or instead of it. */
  said?: string;
  message?: string;
  /** Where the code alone does not tell. */
  final?: boolean;
  /** How long to wait at least before the next attempt. */
  leastMs?: number;
  /** What was thrown, where something was. */
  err?: unknown;
  closeCode?: number;
  reason?: string;
}

/** @param hasOpened Whether a connection ever stood. */
export function problemOf(
  { said, leastMs, ...more }: Failure, hasOpened?: boolean,
): SocketProblem {
  const { code } = more;
  // What getToken gives may be mended while a call goes on, but not where none began.
  const isPassing = code === 'token_malformed' ? hasOpened : PASSING.includes(code);
  return { message: explain(code, said), final: !isPassing && code in CODES, ...more };
}

/** A text for people: what has happened, what to do, and what was said besides. */
export function explain(code: ProblemCode, said?: string): string {
  return `${code}: ${CODES[code] ?? 'refused'}${said ? ` (${said})` : ''}`;
}
