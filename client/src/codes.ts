/** Whether nobody should come back by himself after this close (docs/protocol.md §4). */
export function isFinal(code: number): boolean {
  return [1002, 1003, 1007, 1009].includes(code) || code >= 4500;
}

/** What a close means, for people. */
export function explain(code: number, reason: string): string {
  const said = reason ? ` (${reason})` : '';
  switch (code) {
    case 1009: return `A message was too long for the server${said}`;
    case 4501: return `This connection was closed by the operator, or its token was revoked${said}`;
    case 4509: return `Another connection of the same peer took this one's place${said}`;
    default: return `The server closed the connection for good, with code ${code}${said}`;
  }
}
