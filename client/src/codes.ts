import type { ProblemCode } from './types.js';

type Row = readonly [final: 'yes' | 'no' | 'at first', advice: string];

/** Which failures are final, `at first` where no connection ever stood; docs/client.md has them. */
export const CODES: Readonly<Record<string, Row>> = {
  invalid_token: ['no', 'give a fresh one of this server'],
  insufficient_scope: ['yes', 'ask for the scope signal'],
  origin_not_allowed: ['yes', 'register it'],
  client_mismatch: ['yes', 'the session is another client\'s'],
  too_many_connections: ['no', 'wait'],
  temporarily_unavailable: ['no', 'wait'],
  room_forbidden: ['yes', 'ask for a token that grants it'],
  room_full: ['yes', 'try later'],
  too_many_rooms: ['yes', 'leave one'],
  peer_id_taken: ['yes', 'choose another id'],
  token_unavailable: ['no', 'see what getToken gives'],
  token_malformed: ['at first', 'see what getToken gives'],
  unreachable: ['no', 'see whether the server runs, and its address'],
  blocked_by_page: ['yes', 'allow the server in its Content-Security-Policy, and use wss:'],
  kicked: ['yes', 'by an operator, or the token is revoked: sign in again'],
  replaced: ['yes', 'by another page: go on there, or reload'],
  server_restarting: ['no', 'wait'],
  protocol_error: ['yes', 'see whether the server is Usher, and what stands between'],
  closed: ['yes', 'make another client'],
};

const CLOSES: Readonly<Record<number, ProblemCode>> = {
  1012: 'server_restarting', 4501: 'kicked', 4509: 'replaced',
};

/** Of those closes that are told as problems; where it is final nobody comes back by himself. */
export function codeOfClose(closeCode: number): ProblemCode | undefined {
  return CLOSES[closeCode]
    ?? (/^(100[2379]|4[5-9])/.test(`${closeCode}`) ? 'protocol_error' : undefined);
}

/** @param hasOpened Whether a connection ever stood. */
export function isFinal(code: ProblemCode, hasOpened: boolean | undefined): boolean {
  const final = CODES[code]?.[0];
  return final === 'yes' || (final === 'at first' && !hasOpened);
}

/** A text for people: what has happened, what to do, and what was said besides. */
export function explain(code: ProblemCode, said?: string): string {
  return `${code}: ${CODES[code]?.[1] ?? 'refused'}${said ? ` (${said})` : ''}`;
}
