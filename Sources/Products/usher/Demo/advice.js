// What people are told when something does not work, with what they can do about it.

const YOURS = 'If the server is yours, start it again with `usher serve --demo`; '
  + 'else check your network, or tell whoever runs it.';

/** What to do next, by the code of the problem. */
const NEXT = {
  room_full: 'Choose another room, or wait until somebody leaves.',
  room_forbidden: 'Choose a room that starts with demo-.',
  too_many_rooms: 'Leave another room first, then press Join again.',
  too_many_connections: 'Close other tabs of the demo, then press Join again.',
  peer_id_taken: 'Wait half a minute, then press Join again.',
  temporarily_unavailable: 'Wait a minute, then press Join again.',
  server_restarting: 'Wait a minute, then press Join again.',
  unreachable: YOURS,
  invalid_token: 'Press Join again to get a new token.',
  token_unavailable: 'Press Join again to get a new token.',
  blocked_by_page: 'Something in this browser, perhaps an extension, forbids the connection.',
  replaced: 'The call goes on in the other tab.',
  kicked: 'Ask whoever runs the server before you join again.',
};

/** Close codes, where nothing more is known. */
const CLOSES = { 4501: 'kicked', 4509: 'replaced' };

export function explain({ message, code, closeCode, reason }) {
  const next = NEXT[code] ?? NEXT[CLOSES[closeCode ?? code]] ?? NEXT[reason];
  return next ? `${message.replace(/\.?$/, '.')} ${next}` : message;
}

/** Why no token came: `status` is undefined where nobody answered. */
export function explainToken(status, description) {
  if (status === undefined && !navigator.onLine) {
    return 'This machine is offline. Connect it to the network, then press Join again.';
  }
  if (status === undefined || [502, 503, 504].includes(status)) {
    return `The server does not answer. ${YOURS} Then press Join again.`;
  }
  const said = `Joining did not work: ${description ?? `the server said ${status}`}.`;
  return status === 429 ? `${said} Wait a minute, then press Join again.` : said;
}

/** While no line to the server stands; `attempt` counts how often it was tried in vain. */
export function explainLine({ attempt, wasOpen }) {
  const goesOn = wasOpen
    ? 'The call goes on, and this page tries again by itself: do not close or reload it.'
    : 'This page tries again by itself.';
  if (!navigator.onLine) return `This machine is offline. ${goesOn}`;
  if (!wasOpen || attempt > 2) return `The server does not answer. ${goesOn} ${YOURS}`;
  return `The line to the server is lost. ${goesOn} New people can join once it is back.`;
}
