// What people are told when something does not work, with what they can do about it.

const YOURS = 'If the server is yours, start it again with `usher serve --demo`; '
  + 'else check your network, or tell whoever runs it.';

/** Why the call is over, by the code of the problem, and what to do next. */
const ENDS = {
  room_full: 'The room is full. Choose another, or wait until somebody leaves.',
  room_forbidden: 'This is no room of the demo. Choose one that starts with demo-.',
  too_many_rooms: 'You are in too many rooms. Leave another first, then press Join again.',
  peer_id_taken: 'Your place in the room is taken. Wait half a minute, then press Join again.',
  blocked_by_page: 'Something in this browser, perhaps an extension, forbids the connection.',
  replaced: 'The call goes on in the other tab.',
  kicked: 'An operator removed you. Ask whoever runs the server before you join again.',
};

/** Why the line does not stand, where it is neither the network nor a server that is down. */
const WAITS = {
  too_many_connections: 'There are too many connections. Close other tabs of the demo.',
  temporarily_unavailable: 'The server is full.',
  server_restarting: 'The server restarts.',
};

export function explain({ message, code }) {
  return ENDS[code] ?? message;
}

// Camera and microphone

export function explainDevice({ device, err, willReplace }) {
  const what = device === 'audio' ? 'microphone' : 'camera';
  if (err?.name === 'NotAllowedError') {
    return `The browser was told not to give the ${what}: allow it beside the address, `
      + 'then press its button.';
  }
  const next = willReplace ? ' Another takes its place.' : '';
  return `The ${what} cannot be used: ${String(err?.message).replace(/\.?$/, '.')}${next}`;
}

export function explainNoMedia(err) {
  return err?.name === 'NotAllowedError'
    ? 'The browser was told not to give camera and microphone: allow them beside the address, '
      + 'then press their buttons. You can see, hear and write meanwhile.'
    : 'No camera or microphone was found. You can see, hear and write all the same.';
}

// The server

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
export function explainLine({ attempt, wasOpen, code }) {
  const goesOn = wasOpen
    ? 'The call goes on, and this page tries again by itself: do not close or reload it.'
    : 'This page tries again by itself.';
  if (!navigator.onLine) return `This machine is offline. ${goesOn}`;
  if (WAITS[code]) return `${WAITS[code]} ${goesOn}`;
  if (!wasOpen || attempt > 2) return `The server does not answer. ${goesOn} ${YOURS}`;
  return `The line to the server is lost. ${goesOn} New people can join once it is back.`;
}
