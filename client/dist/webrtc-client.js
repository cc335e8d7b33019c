// src/codes.ts
var CODES = {
  invalid_token: "give one of this server",
  insufficient_scope: "ask for the scope signal",
  origin_not_allowed: "register it",
  client_mismatch: "the session is another client's",
  too_many_connections: "wait",
  temporarily_unavailable: "wait",
  room_forbidden: "ask for a token that grants it",
  room_full: "try later",
  too_many_rooms: "leave one",
  peer_id_taken: "choose another id",
  token_unavailable: "see what getToken gives",
  token_malformed: "see what getToken gives",
  unreachable: "see if a server runs there",
  blocked_by_page: "allow the server in its Content-Security-Policy, and use wss:",
  kicked: "by an operator, or the token is revoked: sign in again",
  replaced: "by another page: go on there",
  server_restarting: "wait",
  protocol_error: "see what stands between",
  closed: "make another client"
};
var PASSING = [
  "invalid_token",
  "too_many_connections",
  "temporarily_unavailable",
  "token_unavailable",
  "unreachable",
  "server_restarting"
];
var CLOSES = {
  1012: "server_restarting",
  4501: "kicked",
  4509: "replaced"
};
function codeOfClose(closeCode) {
  return CLOSES[closeCode] ?? (/^(100[2379]|4[5-9])/.test(`${closeCode}`) ? "protocol_error" : void 0);
}
function problemOf({ said, leastMs, ...more }, hasOpened) {
  const { code } = more;
  const isPassing = code === "token_malformed" ? hasOpened : PASSING.includes(code);
  return { message: explain(code, said), final: !isPassing && code in CODES, ...more };
}
function explain(code, said) {
  return `${code}: ${CODES[code] ?? "refused"}${said ? ` (${said})` : ""}`;
}

// src/within.ts
async function within(ms, ...promises) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    return await Promise.race([...promises, late]);
  } finally {
    clearTimeout(timer);
  }
}

// src/request.ts
var PATIENCE_MS = 5e3;
var RETRY_AFTER_MAX_MS = 6e4;
function request(url, init) {
  const answer = fetch(url, { cache: "no-store", ...init });
  return within(PATIENCE_MS, answer.then(read)).catch(() => void 0);
}
function post(url, credentials, form) {
  return request(url, { method: "POST", body: fill(new URLSearchParams(), form), credentials });
}
async function read(answer) {
  const text2 = (await answer.text()).trim();
  return {
    status: answer.status,
    text: text2,
    said: parse(text2),
    leastMs: retryAfter(answer.headers.get("Retry-After")),
    now: Date.parse(answer.headers.get("Date") ?? "") || Date.now()
  };
}
function fill(to, values) {
  for (const [name, value] of Object.entries(values))
    if (value)
      to.set(name, value);
  return to;
}
function retryAfter(value) {
  const ms = Number(value) * 1e3 || Date.parse(value) - Date.now() || 0;
  return Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}
function parse(text2) {
  try {
    return Object(JSON.parse(text2));
  } catch {
    return {};
  }
}

// src/token.ts
var PATIENCE_MS2 = 1e4;
var fail = (failure) => failure;
function tokens(options, address) {
  const { getToken } = options;
  return async () => tidy(await (getToken ? called(getToken) : sessionToken(address, options)));
}
async function called(getToken) {
  try {
    return await within(PATIENCE_MS2, getToken());
  } catch (err) {
    throw fail({
      code: "token_unavailable",
      said: err?.message ?? String(err),
      err
    });
  }
}
function tidy(token) {
  const text2 = typeof token === "string" ? token.trim() : "";
  if (/^(?![<{["])[!-~]+$/.test(text2))
    return text2;
  throw token ? fail({
    code: "token_malformed",
    message: `Instead of a token came ${what(text2) || typeof token}`
  }) : fail({ code: "token_unavailable", message: "No token came, or not in 10 seconds" });
}
function what(text2) {
  return /^<(!doc|html)/i.test(text2) ? "an HTML page" : /^[{[]/.test(text2) ? "JSON" : text2 && "a text";
}
function isOwn(token) {
  try {
    const head = atob(token.split(".")[0].replace(/[-_]/g, "A"));
    return /at\+jwt"/i.test(head);
  } catch {
    return false;
  }
}
async function sessionToken(address, { sessionId, clientId }) {
  const reply = await post(address.route("/session/token"), "include", {
    // Rooms are separated by spaces there; one with a space in its name cannot be asked for alone.
    rooms: /\s/.test(sessionId) ? void 0 : sessionId,
    client_id: clientId
  });
  if (!reply)
    throw fail({ code: "unreachable", said: "is this origin registered?" });
  const { status, text: text2, said, leastMs } = reply;
  if (status < 300)
    return said.access_token ?? text2;
  throw fail({
    code: status === 403 && said.error || "token_unavailable",
    message: `${status === 401 ? "There is no session: sign in, or give getToken" : "The session gives no token for this room"} (${said.error_description ?? `${what(text2) || "nothing"}, status ${status}`})`,
    final: status < 405,
    leastMs
  });
}

// src/socket-state.ts
var GRACE_MS = 3e4;
var RESUMABLE_MS = 25e3;
var RESUMABLE_WAIT_MS = 4e3;
var SHELVED_MS = 6e5;
var REJOIN_MS = 3e3;
var LOST = 1006;
var QUIET_S = 45;
var ANSWER_MS = 1e4;
function initial(wanted) {
  const settled = wanted === "auto" ? void 0 : wanted;
  const state = {
    phase: "idle",
    wanted,
    settled,
    dialect: settled,
    attempt: 0,
    seq: 0,
    outbox: [],
    refreshAttempt: 0
  };
  return state;
}
var limitsOf = ({ welcome }) => welcome?.limits ?? {};
function clientState({ phase, hasOpened }) {
  return phase === "idle" || phase === "closed" || phase === "open" ? phase : hasOpened ? "reconnecting" : "connecting";
}
function transition(state, now, [name, ...args]) {
  const next = { ...state, now, effects: [] };
  TABLE[state.phase][name]?.(
    next,
    ...args
  );
  return next;
}
function act(state, name, ...args) {
  state.effects.push([name, ...args]);
}
function emit(state, type, detail) {
  act(state, "emit", type, detail);
}
function again(state, settled = state.settled) {
  state.settled = settled;
  state.phase = "token";
  act(state, "drop");
  act(state, "getToken", "token");
}
function start(state, session, seq = 0) {
  state.session = session;
  state.seq = seq;
  state.lostAt = state.now;
  state.acks = session ? state.now : 0;
  again(state);
}
function open(state, token) {
  state.hasOwnToken = isOwn(token);
  state.dialect = state.settled ?? (state.isDoubtful && !state.hasOwnToken ? "classic" : "v1");
  state.isDoubtful = false;
  state.phase = "opening";
  act(state, "open", state.dialect, token);
}
function opened(state, protocol) {
  const { session, seq, dialect } = state;
  state.freshSeq = 0;
  if (dialect === "classic") {
    if (state.settled)
      return classic(state);
    state.phase = "trial";
    return act(state, "check");
  }
  if (protocol !== "usher.v1") {
    return state.settled || state.hasOwnToken ? stumble(state, { code: "protocol_error", said: "it speaks no usher.v1" }) : again(state, "classic");
  }
  speak(state, dialect);
  state.phase = "greeting";
  if (session)
    act(state, "write", { action: "resume", session, seq });
}
function speak(state, dialect) {
  state.settled = dialect;
  emit(state, "socketOpen", { dialect });
}
function classic(state) {
  speak(state, "classic");
  fresh(state);
}
function tried(state, answer) {
  if (answer)
    again(state, "v1");
  else
    classic(state);
}
function unopened(state) {
  if (state.dialect === "classic" && !state.hasOwnToken)
    return unreached(state);
  state.phase = "checking";
  act(state, "drop");
  act(state, "check");
}
var unreached = (state) => stumble(state, { code: "unreachable" });
var blocked = (state) => stumble(state, { code: "blocked_by_page" });
function checked(state, answer, leastMs) {
  if (answer && state.wanted === "auto")
    state.settled = "v1";
  state.isDoubtful = !state.settled && state.dialect === "v1";
  stumble(state, { code: answer?.error ?? "unreachable", said: answer?.description, leastMs });
}
function stand(state) {
  state.phase = "open";
  state.hasOpened = true;
  state.attempt = 0;
  state.told = void 0;
  state.heardAt = state.now;
  state.sent = 0;
}
function fresh(state) {
  state.session = state.welcome?.session;
  state.seq = state.freshSeq;
  state.replayEnd = 0;
  state.outbox = [];
  stand(state);
  act(state, "onFresh", state.welcome);
}
function close(state) {
  state.phase = "closed";
  state.session = void 0;
  state.outbox = [];
  act(state, "end");
}
function stumble(state, failure, closeCode, reason) {
  const problem = failure && problemOf({ ...failure, closeCode, reason }, state.hasOpened);
  const leastMs = failure?.leastMs ?? 0;
  const willReconnect = !problem?.final;
  if (willReconnect)
    act(state, "drop");
  else
    close(state);
  if (closeCode) {
    emit(state, "socketClosed", { code: closeCode, reason, willReconnect });
  }
  if (problem && !(willReconnect && problem.code === state.told)) {
    emit(state, "socketError", problem);
    state.told = problem.code;
  }
  if (!willReconnect)
    return;
  state.attempt += 1;
  const lostMs = state.now - (state.session ? state.lostAt : 0);
  state.phase = "waiting";
  state.quietUntil = state.now + leastMs;
  state.isRefreshing = false;
  act(
    state,
    "later",
    "retry",
    leastMs,
    state.attempt,
    state.dialect === "classic" ? 2e3 : 100,
    lostMs < RESUMABLE_MS ? RESUMABLE_WAIT_MS : lostMs < SHELVED_MS ? RESUMABLE_MS : void 0,
    state.drainMs
  );
  state.drainMs = void 0;
}
function lost(state, closeCode, reason) {
  const code = codeOfClose(closeCode);
  state.lostAt = state.now;
  if (closeCode === 1012)
    state.takenSince = void 0;
  stumble(state, code && { code, said: reason || `${closeCode}` }, closeCode, reason);
}
var front = (state) => state.outbox.slice(0, limitsOf(state).messagesInFlight || Infinity);
function write(state, message2) {
  act(state, "write", message2);
  state.sentAt = state.now;
}
function flush(state) {
  if (state.phase !== "open" || state.seq < state.replayEnd)
    return;
  for (const message2 of front(state)) {
    if (message2.ack <= state.sent)
      continue;
    state.sent = message2.ack;
    write(state, message2);
  }
}
function rejoin(state) {
  for (const message2 of front(state))
    if (message2.action === "join-room")
      write(state, message2);
}
function say(state, message2) {
  if (state.session) {
    state.outbox = [...state.outbox, { ...message2, ack: state.acks += 1 }];
    flush(state);
  } else if (state.phase === "open") {
    act(state, "write", message2);
  }
}
function greeted(state, name, data, seq = state.freshSeq) {
  state.freshSeq = seq;
  if (name === "welcome") {
    state.welcome = data;
    act(state, "onWelcome", state.welcome);
    if (!state.session)
      fresh(state);
  } else if (name === "error" && data.action === "resume") {
    fresh(state);
  } else if (name === "resumed") {
    state.session = `${data.session}`;
    state.replayEnd = Number(data.seq);
    stand(state);
    emit(state, "resumed", { connectionId: `${data.connectionId}` });
    flush(state);
  }
}
function hear(state, name, data, seq) {
  state.heardAt = state.now;
  if (seq <= state.seq)
    return;
  if (seq)
    state.seq = seq;
  const isNew = !(seq <= state.replayEnd);
  switch (name) {
    case "ack":
      state.takenSince = void 0;
      state.attempt = 0;
      settle(state, data.ack);
      break;
    case "error":
      refused(state, data);
      break;
    case "token_expiring":
      state.refreshAttempt = 0;
      refresh(state);
      break;
    case "draining":
      if (isNew)
        state.drainMs = Number(data.reconnectWithinSeconds) * 1e3;
      break;
    case "welcome":
    case "resumed":
    case "pong":
      break;
    default:
      act(state, "onEvent", name, data, isNew);
  }
  flush(state);
}
function message(state, name, data, seq) {
  const { code, reason } = data;
  if (name !== "usher.closing" || seq || state.dialect !== "v1") {
    (state.phase === "open" ? hear : greeted)(state, name, data, seq);
  } else if (code === Math.round(code) && code > 999 && code < 5e3) {
    lost(state, code, reason);
  }
}
function settle(state, ack) {
  state.outbox = state.outbox.filter((message2) => message2.ack !== ack);
}
function refused(state, { action, ack, code, message: message2 }) {
  const final = action === "join-room";
  const failure = { code: `${code}`, said: `${action}: ${message2}`, final };
  if (final) {
    if (code === "temporarily_unavailable") {
      tell(state, failure);
      return act(state, "later", "rejoin", 0, state.attempt += 1, 1e3);
    }
    state.takenSince ??= state.now;
    return code === "peer_id_taken" && state.now - state.takenSince <= GRACE_MS ? act(state, "later", "rejoin", REJOIN_MS) : stumble(state, failure);
  }
  settle(state, ack);
  if (action === "refresh-token")
    refreshLater(state, failure);
  else if (code !== "unknown_target")
    tell(state, failure);
}
function refresh(state) {
  if (!state.isRefreshing)
    act(state, "getToken", "refreshed");
  state.isRefreshing = true;
}
function refreshed(state, token) {
  if (state.isRefreshing)
    act(state, "write", { action: "refresh-token", token });
  state.isRefreshing = false;
}
function tell(state, failure) {
  emit(state, "socketError", problemOf({ ...failure, final: false }, true));
}
function refreshLater(state, failure) {
  state.isRefreshing = false;
  tell(state, failure);
  act(state, "later", "refresh", failure.leastMs ?? 0, state.refreshAttempt += 1, 1e3);
}
function noRefresh(state, failure) {
  if (state.isRefreshing)
    refreshLater(state, failure);
}
function ping(state) {
  if (state.welcome)
    act(state, "ping");
}
function tick(state) {
  const { pingIntervalSeconds = QUIET_S, messagesInFlight } = limitsOf(state);
  if (messagesInFlight && state.sent && state.outbox[0] && state.now - state.sentAt > ANSWER_MS) {
    lost(state, LOST, "no answer");
  } else if (pingIntervalSeconds && state.now - state.heardAt > Math.max(QUIET_S, pingIntervalSeconds) * 1e3) {
    ping(state);
  }
}
function awake(state) {
  if (state.now >= state.quietUntil)
    again(state);
}
var early = { blocked, say, close };
var TABLE = {
  idle: { start, close },
  token: { ...early, token: open, noToken: stumble },
  opening: { ...early, opened, closed: unopened, noToken: stumble },
  trial: { checked: tried, closed: unreached, close },
  checking: { ...early, checked },
  greeting: { message, closed: lost, say, close },
  open: {
    message,
    closed: lost,
    say,
    rejoin,
    refresh,
    refreshed,
    noToken: noRefresh,
    awake: ping,
    tick,
    close
  },
  waiting: { ...early, retry: again, awake },
  closed: {}
};

// src/store.ts
var keyOf = (name) => `usher-session:${name}`;
function putSession(name, kept2) {
  try {
    sessionStorage.setItem(keyOf(name), JSON.stringify(kept2));
  } catch {
  }
}
function takeSession(name) {
  if (!name)
    return null;
  try {
    const kept2 = JSON.parse(sessionStorage.getItem(keyOf(name)));
    sessionStorage.removeItem(keyOf(name));
    return kept2;
  } catch {
    return null;
  }
}

// src/address.ts
var Address = class {
  #base;
  /** @throws TypeError for what is no URL that a page can connect to. */
  constructor(signallingServer = "") {
    const page = globalThis.location;
    let base;
    try {
      base = new URL(signallingServer || "/signal", page?.href);
    } catch {
    }
    if (!base || !/^(ws|http)s?:/.test(base.href)) {
      throw new TypeError(`signallingServer must be a ws, wss, http or https URL${page ? "" : " where there is no page"}`);
    }
    this.#base = base;
  }
  /** The socket's URL; `token` stands in it in the classic dialect alone. */
  socket(parameters) {
    const url = new URL(this.#base);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    fill(url.searchParams, parameters);
    return url.href;
  }
  /**
   * A route of the HTTP service, below the path that a proxy has put before all of it: a last
   * `/signal` names the socket alone, beside which the others are.
   */
  route(path) {
    const { protocol, host, pathname } = this.#base;
    const prefix = pathname.replace(/\/+$/, "").replace(/\/signal$/, "");
    return `${protocol.replace("ws", "http")}//${host}${prefix}${path}`;
  }
  /** Whether this is the socket's server, by what a broken policy of the page says. */
  isSocket(blocked2) {
    return /^ws/.test(blocked2) && blocked2.split("/")[2] === this.#base.host;
  }
};

// src/emitter.ts
var Emitter = class {
  #listeners = {};
  /** No event comes after. */
  isSilent = false;
  addEventListener(type, listener) {
    (this.#listeners[type] ??= /* @__PURE__ */ new Set()).add(listener);
  }
  removeEventListener(type, listener) {
    this.#listeners[type]?.delete(listener);
  }
  emit = (type, detail) => {
    for (const listener of [...this.#listeners[type] ?? []]) {
      if (this.isSilent)
        return;
      try {
        listener({ type, detail });
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  };
};

// src/id.ts
function randomID() {
  const crypto = globalThis.crypto;
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () => {
    const byte = crypto?.getRandomValues?.(new Uint8Array(1))[0] ?? Math.random() * 16;
    return (byte & 15).toString(16);
  });
}

// src/media-ask.ts
var KINDS = ["audio", "video"];
var deviceOf = (kind) => kind === "audio" ? "microphone" : "camera";
var isNamed = (err, ...names) => names.includes(err?.name ?? "");
var isRefusal = (err) => isNamed(err, "NotAllowedError", "SecurityError");
var isBusy = (err) => isNamed(err, "NotReadableError", "AbortError");
var constraints = (wanted) => typeof wanted === "object" ? wanted : {};
async function findTracks(wanted, get, isOver, onStale) {
  const tracks = {};
  const errors = {};
  let asks = [wanted];
  let ask;
  while ((ask = asks.shift()) && !isOver()) {
    try {
      for (const track of await get(ask))
        tracks[track.kind] = track;
    } catch (err) {
      const kinds = KINDS.filter((kind2) => ask[kind2]);
      const kind = kinds[0];
      const each = kinds.map((one) => ({ [one]: ask[one] }));
      const { deviceId, ...others } = constraints(ask[kind]);
      if (isRefusal(err)) {
        const blocked2 = await Promise.all(kinds.map(isBlocked));
        const isForOne = each[1] && blocked2[0] !== blocked2[1];
        asks = isForOne ? each.filter((_, index) => !blocked2[index]) : [];
        for (const one of KINDS) {
          if (wanted[one] && !tracks[one] && !asks[0]?.[one])
            errors[one] ??= err;
        }
      } else if (each[1]) {
        asks = each;
      } else if (deviceId && isNamed(err, "OverconstrainedError", "NotFoundError")) {
        asks.unshift({ [kind]: Object.keys(others).length ? others : true });
        onStale(kind, err);
      } else {
        errors[kind] = err;
      }
    }
  }
  return { tracks, errors };
}
async function isBlocked(kind) {
  try {
    const name = deviceOf(kind);
    return (await navigator.permissions.query({ name })).state === "denied";
  } catch {
    return false;
  }
}

// src/device.ts
var SHORT_MS = 1e4;
var TRIES = 3;
var Device = class {
  constructor(kind, wanted, keeper) {
    this.kind = kind;
    this.wanted = wanted;
    this.#keeper = keeper;
  }
  /** Which answer of the browser is still of use: whatever comes between makes it another. */
  turn = 0;
  /** Whether the application wants it to be seen or heard. */
  isOn = true;
  /** Whether it was there, and may come back with a device. */
  isLost = false;
  /** How often it was replaced after a short life. */
  tries = 0;
  /** Whether the next track is to be on, where there is none to take it from. */
  #isEnabled = true;
  #since = 0;
  #keeper;
  /** A camera that is off is not opened; a microphone is, and muted. */
  get mayOpen() {
    return !this.track && !this.asking && (this.isOn || this.kind === "audio");
  }
  get #isOwn() {
    return this.#keeper.own.has(this.track);
  }
  open(isQuiet = false) {
    this.turn += 1;
    this.asking = this.#keeper.acquire([this], isQuiet);
  }
  /** Off lets go of our own camera, so that its light goes out; all else is only muted. */
  enable(on) {
    const { track } = this;
    this.isOn = on;
    if (!this.asking) {
      if (!track) {
        if (on)
          this.open();
      } else if (!on && this.kind === "video" && this.#isOwn) {
        this.#release();
      } else {
        track.enabled = on;
      }
    }
    this.#isEnabled = on;
  }
  /** What the browser has answered: a track, or why there is none. */
  answer(turn, track, err, isQuiet = false) {
    const isWanted = this.isOn || this.kind === "audio";
    if (turn === this.turn && track && isWanted) {
      this.#keeper.own.add(track);
      return this.give(track);
    }
    track?.stop();
    if (turn !== this.turn)
      return;
    this.#settle();
    if (track)
      return;
    this.isLost &&= !isRefusal(err);
    if (!isQuiet)
      this.#tell(err, false);
  }
  /** From now on it is this track, or none. */
  give(track) {
    const old = this.track;
    this.#settle(track);
    this.isLost = false;
    if (!track || track === old)
      return;
    if (!this.#isEnabled)
      track.enabled = false;
    else if (old)
      track.enabled = true;
    this.track = track;
    this.#since = Date.now();
    track.addEventListener("ended", () => {
      if (this.track === track)
        this.ended(Date.now() - this.#since);
    });
  }
  /** By itself: permission withdrawn, a phone call, a device pulled out. */
  ended(livedMs) {
    if (!this.track || this.asking)
      return;
    const isOwn2 = this.#isOwn;
    if (isOwn2)
      this.tries = livedMs < SHORT_MS ? this.tries + 1 : 0;
    this.isLost = isOwn2;
    const isReplaced = isOwn2 && this.tries <= TRIES;
    if (!isReplaced)
      this.#release();
    this.#tell(
      new Error(`The ${deviceOf(this.kind)} has ended: forbidden, gone or taken`),
      isReplaced
    );
    if (isReplaced)
      this.open();
    else
      this.#keeper.sync();
  }
  /** Devices have come or gone, or the page is looked at again: a phone call may be over. */
  look(isVisible) {
    if (this.track?.readyState === "ended" && this.#isOwn)
      this.ended(Infinity);
    if (isVisible && this.isLost && this.mayOpen)
      this.open(true);
  }
  /** Nothing that the browser answers after this counts. */
  #settle(track) {
    this.turn += 1;
    this.asking = void 0;
    if (track !== this.track)
      this.#release();
  }
  #release() {
    if (!this.track)
      return;
    this.#isEnabled = this.track.enabled;
    this.track = void 0;
  }
  #tell(err, willReplace) {
    if (err)
      this.#keeper.emit("mediaProblem", { device: this.kind, err, willReplace });
  }
};

// src/media.ts
var DARK_MS = 150;
var LONGEST_TIMER_MS = 2 ** 31 - 1;
var LocalMedia = class {
  constructor(options, emit2, play) {
    this.emit = emit2;
    this.#options = options;
    this.#play = play;
    const { stream, video } = options;
    this.#devices = KINDS.map((kind) => new Device(kind, !stream && video?.[kind] || false, this));
    if (stream)
      this.setStream(stream);
    const { signal } = this.#closing;
    this.#closed = new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
    this.#mediaDevices?.addEventListener?.("devicechange", this.#look, { signal });
    globalThis.document?.addEventListener("visibilitychange", this.#look, { signal });
  }
  #devices;
  own = /* @__PURE__ */ new Set();
  #screen;
  #choosing = Promise.resolve();
  #isClosed = false;
  #closing = new AbortController();
  #closed;
  #options;
  #play;
  /** undefined where a page may have none, and outside browsers. */
  get #mediaDevices() {
    return this.#options.globals?.mediaDevices ?? globalThis.navigator?.mediaDevices;
  }
  get isSharing() {
    return this.#screen !== void 0;
  }
  /** Asks for what the options say. Resolves with the answer, and after `waitMs` at the latest. */
  async open(waitMs) {
    if (!this.#devices.some((device2) => device2.wanted))
      return;
    await within(0);
    const asked = this.#devices.filter((device2) => device2.wanted && device2.mayOpen);
    if (this.#isClosed || !asked.length)
      return;
    const opened2 = this.acquire(asked).then((err) => {
      if (this.#isClosed || this.#devices.some((device2) => device2.track))
        return;
      if (err)
        this.emit("noMedia", { err });
    });
    for (const device2 of asked)
      device2.asking = opened2;
    await within(Math.min(waitMs, LONGEST_TIMER_MS), opened2, this.#closed);
  }
  /** @returns what went wrong, where something did. */
  async acquire(devices, isQuiet = false) {
    const turns = devices.map((device2) => device2.turn);
    const wanted = Object.fromEntries(devices.map((device2) => [device2.kind, device2.wanted || true]));
    const { tracks, errors } = await findTracks(
      wanted,
      this.#get,
      () => this.#isClosed,
      (device2, err) => {
        if (isQuiet || this.#isClosed)
          return;
        this.emit("mediaProblem", { device: device2, err, willReplace: true });
      }
    );
    devices.forEach((device2, index) => {
      const { kind } = device2;
      device2.answer(turns[index], tracks[kind], errors[kind], isQuiet);
    });
    this.sync();
    return errors.audio ?? errors.video;
  }
  #get = async (ask) => {
    const devices = this.#mediaDevices;
    if (!devices)
      throw new Error("Camera and microphone need https");
    return (await devices.getUserMedia(ask)).getTracks();
  };
  #look = () => {
    for (const device2 of this.#devices)
      device2.look(!globalThis.document?.hidden);
  };
  // The stream
  /** Brings the stream to what is to be sent now, and stops what we need no more. */
  sync() {
    if (this.#isClosed)
      return;
    const shared = this.#screen?.getTracks() ?? [];
    const [sound, picture] = KINDS.map((kind) => shared.find((track) => track.kind === kind));
    const [microphone, camera] = this.#devices.map((device2) => device2.track);
    const now = [microphone, picture ?? camera].filter(Boolean);
    if (!this.stream && !now.length)
      return;
    const stream = this.stream ??= new (this.#options.globals?.MediaStream ?? MediaStream)();
    for (const track of stream.getTracks())
      if (!now.includes(track))
        stream.removeTrack(track);
    for (const track of now)
      stream.addTrack(track);
    this.sound = sound;
    this.#show(stream);
    this.emit("localStream", { stream, sharing: this.isSharing });
    this.#dismiss([...shared, microphone, camera]);
  }
  /** Stops what we have opened and use no more. */
  #dismiss(used) {
    for (const track of this.own) {
      if (used.includes(track))
        continue;
      track.stop();
      this.own.delete(track);
    }
  }
  #show(stream) {
    const el = this.#options.video?.el;
    if (!el)
      return;
    Object.assign(el, { muted: true, playsInline: true, autoplay: true });
    const shown = stream.getVideoTracks().length ? stream : null;
    if (el.srcObject !== shown)
      el.srcObject = shown;
    if (shown)
      this.#play(el);
  }
  // Changes during a call
  /** @returns whether the camera or microphone is on now. */
  async enable(kind, on) {
    if (this.#isClosed)
      return false;
    const device2 = this.#devices.find((one) => one.kind === kind);
    const before = device2.track;
    device2.enable(on);
    if (before && !device2.track)
      await this.#darken(before);
    if (on)
      await Promise.race([device2.asking, this.#closed]);
    return !this.#isClosed && device2.track?.readyState === "live" && device2.track.enabled;
  }
  /** A camera whose place nobody takes sends black first. */
  async #darken(track) {
    if (track.kind === "video" && this.own.has(track)) {
      track.enabled = false;
      await within(DARK_MS);
    }
    this.sync();
  }
  /** The screen's picture in place of the camera's, and its sound beside the microphone's. */
  async shareScreen(given) {
    const devices = this.#mediaDevices;
    if (!given && !devices?.getDisplayMedia)
      throw new Error("No screen can be shared here");
    const screen = given ?? await devices.getDisplayMedia({ video: true, audio: true });
    const track = screen.getVideoTracks()[0];
    const opened2 = given ? [] : screen.getTracks();
    for (const one of opened2)
      this.own.add(one);
    if (!track || this.#isClosed) {
      for (const one of opened2)
        one.stop();
      throw new Error(track ? "The client is closed" : "No picture can be shared");
    }
    this.#screen = screen;
    track.addEventListener("ended", () => {
      if (this.#screen !== screen)
        return;
      this.stopSharing();
      this.emit("screenShareEnded", {});
    });
    this.sync();
    track.enabled = true;
    return screen;
  }
  stopSharing() {
    if (!this.#screen)
      return;
    this.#screen = void 0;
    this.sync();
  }
  /** Uses these devices; `null` gives one up, what is left out stays. */
  setDevices(ids) {
    const chosen = this.#choosing.then(async () => {
      const [microphone, camera] = this.#devices;
      await this.#choose(microphone, ids.audioDeviceId);
      await this.#choose(camera, ids.videoDeviceId);
    });
    this.#choosing = chosen.catch(() => void 0);
    return chosen;
  }
  async #choose(device2, id) {
    if (id === void 0 || this.#isClosed)
      return;
    const { track: old, turn } = device2;
    if (id === null) {
      device2.wanted = false;
      device2.give();
      return old && this.#darken(old);
    }
    const wanted = { ...constraints(device2.wanted), deviceId: { exact: id } };
    if (device2.kind === "video" && !device2.isOn) {
      device2.give();
      this.sync();
    } else {
      const track = await this.#exchange(device2, wanted);
      const isLate = !this.#isClosed && device2.turn !== turn;
      device2.answer(turn, track, void 0);
      this.sync();
      if (isLate)
        throw new Error("Another was chosen");
    }
    device2.wanted = wanted;
  }
  /** Many cameras, and phones above all, do not open one beside another. */
  async #exchange(device2, wanted) {
    const { turn } = device2;
    const get = async () => (await this.#get({ [device2.kind]: wanted }))[0];
    return get().catch(async (busy) => {
      const old = device2.track;
      if (!isBusy(busy) || !old || !this.own.has(old))
        throw busy;
      const { deviceId } = old.getSettings();
      old.stop();
      return get().catch(async (err) => {
        if (device2.turn === turn) {
          device2.wanted = { ...constraints(device2.wanted), ...deviceId && { deviceId } };
          device2.open();
          await device2.asking;
        }
        throw err;
      });
    });
  }
  /** Sends another stream's tracks, which stay the application's. */
  setStream(stream) {
    if (this.#isClosed)
      return;
    const tracks = stream.getTracks();
    for (const device2 of this.#devices) {
      device2.give(tracks.find((track) => track.kind === device2.kind));
    }
    this.sync();
  }
  /** @returns whether any track of these kinds is on now. */
  toggle(kinds, enabled) {
    const tracks = (this.stream?.getTracks() ?? []).filter((track) => kinds.includes(track.kind));
    const isOn = enabled ?? !tracks.some((track) => track.enabled);
    for (const track of tracks)
      track.enabled = isOn;
    return tracks.length > 0 && isOn;
  }
  close() {
    this.#isClosed = true;
    this.#closing.abort();
    for (const device2 of this.#devices)
      device2.give();
    this.#dismiss([]);
    const el = this.#options.video?.el;
    if (el && el.srcObject === this.stream)
      el.srcObject = null;
  }
};

// src/configuration.ts
function useServers(create, servers, use, onRefused) {
  try {
    return use(servers);
  } catch (err) {
    const refused2 = [];
    const usable = servers.flatMap((server) => [server.urls].flat().flatMap((urls) => {
      const one = { ...server, urls };
      try {
        create({ iceServers: [one] }).close();
        return one;
      } catch (reason) {
        refused2.push(new Error(`The ICE server ${urls} cannot be used: ${reason}`));
        return [];
      }
    }));
    if (!refused2.length)
      throw err;
    const result = use(usable);
    if (onRefused)
      refused2.forEach(onRefused);
    return result;
  }
}

// src/sending.ts
var BUFFERED_MAX = 1 << 20;
var LOOK_MS = 100;
var bytesOf = (text2) => new TextEncoder().encode(text2).length;
var isOneOf = (data, ...names) => names.includes(data?.[Symbol.toStringTag]);
var isBlob = (data) => isOneOf(data, "Blob", "File");
function checkData(data, most = Infinity, to = "peer") {
  let length;
  if (typeof data === "string") {
    length = data.length * 3 <= most ? 0 : bytesOf(data);
  } else if (isBlob(data)) {
    length = data.size;
  } else if (ArrayBuffer.isView(data) || isOneOf(data, "ArrayBuffer")) {
    length = data.byteLength;
  } else {
    throw new TypeError("Only text, bytes or a Blob can be sent: use JSON.stringify");
  }
  if (length > most) {
    throw new TypeError(`The ${to} takes at most ${most} bytes, not ${length}: send it in pieces`);
  }
}
function kept(data) {
  if (typeof data === "string" || isBlob(data))
    return data;
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() : data.slice(0);
}
function sender(channel) {
  let waiting = 0;
  let last = Promise.resolve(true);
  const isFull = () => (channel()?.bufferedAmount ?? 0) > BUFFERED_MAX;
  const give = (data) => {
    try {
      channel().send(data);
      return true;
    } catch {
      return false;
    }
  };
  const giveLater = async (data) => {
    try {
      const bytes = isBlob(data) ? await data.arrayBuffer() : data;
      while (isFull())
        await room(channel());
      return give(bytes);
    } catch {
      return false;
    } finally {
      waiting -= 1;
    }
  };
  return async (data) => {
    if (!channel())
      return false;
    if (!waiting && !isBlob(data) && !isFull())
      return give(data);
    waiting += 1;
    const copy = kept(data);
    return last = last.then(() => giveLater(copy));
  };
}
function room(channel) {
  channel.bufferedAmountLowThreshold ||= BUFFERED_MAX;
  return new Promise((resolve) => {
    setTimeout(resolve, LOOK_MS);
    channel.addEventListener("bufferedamountlow", resolve, { once: true });
  });
}

// src/stats.ts
var inMs = (seconds) => seconds && Math.round(seconds * 1e3);
function meter(connection) {
  let last;
  let path;
  return async () => {
    const report = await connection().getStats();
    const entries = [...report.values()];
    const pair = selectedPair(report, entries);
    if (path !== pair?.id)
      last = void 0;
    path = pair?.id;
    const all = (type, name) => entries.flatMap((entry) => entry.type === type ? entry[name] ?? [] : []);
    const sum = (type, name) => all(type, name).reduce((one, other) => one + other, 0);
    const inbound = "inbound-rtp";
    const packetsReceived = sum(inbound, "packetsReceived");
    const packetsLost = sum(inbound, "packetsLost");
    const bytes = (name, rtp) => sum("transport", name) || sum("candidate-pair", name) || sum(rtp, name);
    const now = [
      performance.now(),
      bytes("bytesReceived", inbound),
      bytes("bytesSent", "outbound-rtp"),
      packetsReceived,
      packetsLost
    ];
    const [ms, bytesIn, bytesOut, received, lost2] = now.map((value, index) => Math.max(0, value - (last ?? now)[index]));
    last = now;
    const kbps = (bytes2) => ms ? Math.round(bytes2 * 8 / ms) : void 0;
    const rttMs = inMs(pair?.currentRoundTripTime ?? all("remote-inbound-rtp", "roundTripTime")[0]);
    const lossRatio = lost2 + received ? lost2 / (lost2 + received) : void 0;
    const jitters = all(inbound, "jitter");
    return {
      packetsReceived,
      packetsLost,
      rttMs,
      lossRatio,
      jitterMs: jitters.length ? inMs(Math.max(...jitters)) : void 0,
      bitrateInKbps: kbps(bytesIn),
      bitrateOutKbps: kbps(bytesOut),
      relayed: [pair?.localCandidateId, pair?.remoteCandidateId].some((id) => report.get(id)?.candidateType === "relay"),
      quality: rttMs === void 0 ? "unknown" : quality(rttMs, lossRatio)
    };
  };
}
function quality(rttMs, lossRatio = 0) {
  const isOver = (ms, ratio) => rttMs > ms || lossRatio > ratio;
  return isOver(450, 0.1) ? "poor" : isOver(200, 0.03) ? "fair" : "good";
}
function selectedPair(report, entries) {
  const [pair] = entries.flatMap(({ selectedCandidatePairId: id }) => report.get(id) ?? []);
  return pair ?? entries.find(({ type, selected, nominated }) => type === "candidate-pair" && (selected || nominated));
}

// src/peer.ts
var CHANNEL = "usher";
var HERE = "usher.here";
var DISCONNECTED_MS = 4e3;
var RESTART_EVERY_MS = 8e3;
var MESSAGE_MAX = 65536;
var Peer = class {
  /**
   * @param link The connection's name, which both pages know; undefined for a classic client.
   * @param onState Its state has changed.
   * @param onClaim The other page has said who it is.
   */
  constructor(host, { connectionId, peerId, name, polite }, link, isOfferer, onState, onClaim) {
    this.link = link;
    this.onClaim = onClaim;
    this.#host = host;
    this.polite = polite;
    this.info = {
      connectionId,
      peerId,
      name,
      state: "new",
      sendChannel: null,
      receiveChannel: null,
      streams: []
    };
    const configuration = host.configuration();
    const connection = this.connection = useServers(
      host.create,
      configuration.iceServers,
      (iceServers2) => host.create({ ...configuration, iceServers: iceServers2 }),
      (err) => this.#report(err)
    );
    connection.onnegotiationneeded = () => void this.#offer();
    connection.onicecandidate = ({ candidate }) => this.#say({ type: "ice_candidate", ice: candidate });
    connection.onconnectionstatechange = () => {
      if (this.#isClosed)
        return;
      const state = this.info.state = connection.connectionState;
      clearTimeout(this.#restart);
      if (state === "disconnected")
        this.#restartIn(DISCONNECTED_MS);
      if (state === "failed")
        this.#restartIn(0);
      onState();
    };
    connection.ondatachannel = ({ channel }) => this.#receive(channel);
    connection.ontrack = (event) => this.#onTrack(event);
    try {
      this.#addTracks(isOfferer);
    } catch (err) {
      this.close();
      throw err;
    }
  }
  /** Whether an offer or answer of the other page has been applied. */
  hasHeard = false;
  /** Whether the browser has taken it all. */
  send = sender(() => this.#channel);
  stats = meter(() => this.connection);
  #isClosed = false;
  #isMakingOffer = false;
  #isIgnoringOffer = false;
  #hasOffered = false;
  #tracks = [];
  #early = [];
  #last = Promise.resolve();
  /** Of a shared screen's sound. */
  #sound;
  #restart;
  #host;
  /** Tells the application of something that concerns this peer. */
  emit(type, more) {
    const { connectionId, peerId } = this.info;
    this.#host.emit(type, { connectionId, peerId, ...more });
  }
  #addTracks(isOfferer) {
    const stream = this.#host.stream();
    const tracks = stream?.getTracks() ?? [];
    for (const track of tracks)
      this.connection.addTrack(track, stream);
    if (isOfferer) {
      for (const kind of this.#host.receive) {
        if (tracks.some((track) => track.kind === kind))
          continue;
        this.connection.addTransceiver(kind, { direction: "recvonly" });
      }
    }
    if (stream)
      this.#sendSound(stream);
    if (isOfferer)
      this.#openSendChannel();
  }
  #say(message2) {
    if (this.#isClosed)
      return;
    this.#host.tell(this.info.connectionId, { ...message2, link: this.link });
  }
  #report(err) {
    if (!this.#isClosed)
      this.emit("negotiationFailed", { err });
  }
  // Negotiation
  async #offer() {
    if (this.#isClosed || !this.link && (this.#hasOffered || this.hasHeard))
      return;
    this.#isMakingOffer = true;
    try {
      await this.connection.setLocalDescription();
      this.#sayOffer();
    } catch (err) {
      this.#report(err);
    } finally {
      this.#isMakingOffer = false;
    }
  }
  #sayOffer() {
    const { signalingState, localDescription: offer } = this.connection;
    if (signalingState !== "have-local-offer")
      return;
    this.#say({ type: "offer", offer, again: this.hasHeard });
    this.#hasOffered = true;
  }
  /** Whether our own first offer is under way and nothing was heard yet. */
  get isOffering() {
    return !this.hasHeard && (this.#hasOffered || this.#isMakingOffer);
  }
  /** Whether an offer comes from the page that is at the other end already. */
  isOfSamePage(offer) {
    const known = fingerprint(this.connection.remoteDescription);
    return !!known && known === fingerprint(offer);
  }
  /** Says to the other page alone who we are: nobody else has the keys of this connection. */
  announce(connectionId) {
    try {
      const channel = this.connection.createDataChannel(HERE, { protocol: connectionId });
      channel.onopen = () => channel.close();
    } catch {
    }
  }
  /** Its page is back in the room, under another connection id: what was said between is lost. */
  goOn() {
    for (const event of this.#tracks)
      this.emit("trackAdded", { event });
    this.#sayOffer();
  }
  /** Takes a message of the other page. One after another, since each may wait. */
  take({ type, offer, answer, ice }) {
    const description = offer ?? answer;
    this.#last = this.#last.then(() => {
      if (this.#isClosed)
        return;
      if (type === "ice_candidate")
        return this.#addCandidate(ice);
      return description && this.#describe(description);
    }).catch((err) => {
      this.#report(err);
      if (offer)
        this.#say({ type: "usher.negotiation_failed" });
    });
  }
  async #describe(description) {
    const { connection } = this;
    const isOffer = description.type === "offer";
    const isReady = !this.#isMakingOffer && connection.signalingState === "stable";
    this.#isIgnoringOffer = isOffer && !isReady && !this.polite;
    if (this.#isIgnoringOffer)
      return;
    await connection.setRemoteDescription(description);
    this.hasHeard = true;
    for (const candidate of this.#early.splice(0))
      await this.#addCandidate(candidate);
    if (!isOffer)
      return;
    const hasData = description.sdp?.includes("m=application");
    if (hasData && !this.info.sendChannel)
      this.#openSendChannel();
    await connection.setLocalDescription();
    this.#say({ type: "answer", answer: connection.localDescription });
  }
  async #addCandidate(candidate) {
    if (!this.connection.remoteDescription) {
      this.#early.push(candidate);
      return;
    }
    try {
      await this.connection.addIceCandidate(candidate ?? void 0);
    } catch (err) {
      if (!this.#isIgnoringOffer)
        throw err;
    }
  }
  // The path
  /** Looks for another path, and again until there is one or the peer is gone. */
  #restartIn(delayMs) {
    if (!this.link)
      return;
    this.#restart = setTimeout(() => {
      if (delayMs === RESTART_EVERY_MS && this.connection.sctp?.transport.state === "failed") {
        this.#say({ type: "link_lost" });
      } else {
        this.connection.restartIce();
      }
      this.#restartIn(RESTART_EVERY_MS);
    }, delayMs);
  }
  configure(servers) {
    try {
      useServers(this.#host.create, servers, (iceServers2) => this.connection.setConfiguration(
        { ...this.connection.getConfiguration(), iceServers: iceServers2 }
      ));
    } catch (err) {
      this.#report(err);
    }
  }
  // Data
  #openSendChannel() {
    const channel = this.info.sendChannel = this.connection.createDataChannel(CHANNEL);
    channel.onopen = () => this.emit("sendChannelOpen", { sendChannel: channel });
    this.#listen(channel);
  }
  #listen(channel) {
    channel.binaryType = "arraybuffer";
    channel.addEventListener("message", ({ data }) => this.emit("message", { data }));
  }
  /** What is open towards the peer: our own channel, or else the one it has made. */
  get #channel() {
    const { sendChannel, receiveChannel } = this.info;
    return [sendChannel, receiveChannel].find((one) => one?.readyState === "open");
  }
  /** @throws TypeError for what cannot be sent. */
  check(data) {
    checkData(data, this.#channel && (this.connection.sctp?.maxMessageSize ?? MESSAGE_MAX));
  }
  #receive(channel) {
    if (channel.label === HERE) {
      this.claim = channel.protocol;
      return this.onClaim();
    }
    if (!this.info.receiveChannel || channel.label === CHANNEL) {
      this.info.receiveChannel = channel;
      this.#listen(channel);
    }
    const opened2 = () => this.emit("receiveChannelOpen", { receiveChannel: channel });
    if (channel.readyState === "open")
      opened2();
    else
      channel.addEventListener("open", opened2, { once: true });
  }
  // Media
  #onTrack(event) {
    const without = (track) => this.#tracks.filter((one) => one.track !== track);
    const change = (tracks) => {
      this.#tracks = tracks;
      this.info.streams = [...new Set(tracks.flatMap(({ streams }) => streams))];
    };
    for (const stream of event.streams) {
      stream.onremovetrack = ({ track }) => {
        change(without(track));
        this.emit("trackRemoved", { track });
      };
    }
    change([...without(event.track), event]);
    this.emit("trackAdded", { event });
  }
  /** Sends these tracks and no others from now on, without a new offer where that can be. */
  async sendStream(stream) {
    try {
      this.#sendSound(stream);
      for (const kind of KINDS) {
        const track = stream.getTracks().find((one) => one.kind === kind) ?? null;
        const transceiver = this.connection.getTransceivers().find((one) => one !== this.#sound && one.receiver.track.kind === kind && one.currentDirection !== "stopped");
        await transceiver?.sender.replaceTrack(track);
        if (!track || !this.link)
          continue;
        if (!transceiver) {
          this.connection.addTrack(track, stream);
        } else if (!transceiver.direction.includes("send")) {
          transceiver.sender.setStreams?.(stream);
          transceiver.direction = "sendrecv";
        }
      }
    } catch (err) {
      this.#report(err);
    }
  }
  /** A shared screen's sound, beside the microphone's. Classic clients take no further offer. */
  #sendSound(stream) {
    if (!this.link)
      return;
    const sound = this.#host.sound() ?? null;
    if (this.#sound) {
      void this.#sound.sender.replaceTrack(sound).catch(() => void 0);
      this.#sound.direction = sound ? "sendrecv" : "recvonly";
    } else if (sound) {
      this.#sound = this.connection.addTransceiver(sound, { streams: [stream] });
    }
  }
  close() {
    this.#isClosed = true;
    clearTimeout(this.orphaned);
    clearTimeout(this.#restart);
    this.connection.close();
    this.info.state = "closed";
  }
};
function fingerprint(description) {
  return String(description?.sdp).match(/^a=fingerprint:(.*)$/m)?.[1];
}

// src/mesh.ts
var ORPHAN_MS = 6e4;
var CHECK_MS = 5e3;
var textOf = (value) => typeof value === "string" && value || void 0;
var Mesh = class {
  /** By connection id, for the application; by peer id as well, where that is nobody's else. */
  peerConnections = {};
  peerInfo = {};
  /** Oldest first; with those whose pages are on their way back. Replaced when it changes. */
  all = [];
  /** By connection id, as the server has told. */
  #people = /* @__PURE__ */ new Map();
  #isClosed = false;
  #host;
  constructor(host) {
    this.#host = host;
  }
  /** By connection id, or else the oldest of those who claim this peer id. */
  find(id) {
    return this.all.find(({ info }) => info === this.peerInfo[id]);
  }
  /** The connection with somebody who is in the room. */
  #with(connectionId) {
    return this.all.find((peer) => !peer.orphaned && peer.info.connectionId === connectionId);
  }
  // Who is there
  /** Somebody came after us: the first offer is ours, unless it is somebody whom we know. */
  welcome(joined) {
    const person = { ...joined, polite: false };
    const { connectionId, peerId } = person;
    this.#people.set(connectionId, person);
    if (this.#with(connectionId))
      return;
    const own = this.#host.connectionId();
    const known = this.all.filter(({ link, info, orphaned }) => link && info.peerId === peerId && info.state === "connected" && !orphaned === !own);
    if (!known.length)
      return this.#begin(person);
    const fingerprints = own ? known.map(({ connection }) => fingerprint(connection.localDescription)) : [];
    this.#host.tell(connectionId, { type: "link_check", fingerprints });
    person.checked = setTimeout(() => this.#begin(person), CHECK_MS);
  }
  /**
   * Somebody was there before us, and makes the first offer; unless we `begin`: after a reload
   * nobody was told that our connections are gone.
   */
  meet(person, begins) {
    this.#people.set(person.connectionId, person);
    if (begins)
      this.#begin(person);
  }
  leave(connectionId) {
    this.#uncheck(connectionId);
    this.#people.delete(connectionId);
    this.#end(this.#with(connectionId));
  }
  /** The room is entered anew: others may come back too, under other connection ids. */
  uproot() {
    const own = this.#host.connectionId();
    for (const connectionId of this.#people.keys())
      this.#uncheck(connectionId);
    this.#people.clear();
    for (const peer of this.all) {
      const { link, info } = peer;
      if (own && link && peer.hasHeard)
        peer.announce(own);
      if (peer.orphaned)
        continue;
      if (link && !own)
        this.#host.tell(info.connectionId, { type: "link_check", link });
      peer.orphaned = setTimeout(() => this.#end(peer), link && own ? ORPHAN_MS : CHECK_MS);
    }
    this.#list();
  }
  #uncheck(connectionId) {
    const person = this.#people.get(connectionId);
    clearTimeout(person?.checked);
    delete person?.checked;
  }
  /** Begins a connection: with an offer of our own, or since there is one. */
  #begin(person, offer) {
    const { connectionId } = person;
    if (this.#isClosed || this.#with(connectionId))
      return;
    this.#uncheck(connectionId);
    const link = offer ? offer.link : randomID();
    try {
      const peer = new Peer(
        this.#host,
        person,
        link,
        !offer,
        () => this.#onState(peer),
        () => this.#keep(peer)
      );
      this.all = [...this.all, peer];
      this.#changed(peer);
      if (offer)
        peer.take(offer);
    } catch (err) {
      this.#host.tell(connectionId, { type: "usher.negotiation_failed", link });
      this.#fail(person, err);
    }
  }
  #fail({ connectionId, peerId }, err) {
    this.#host.emit("negotiationFailed", { connectionId, peerId, err });
  }
  /** It goes on, with somebody of another connection id. */
  #move(peer, { connectionId, peerId, name, polite }) {
    this.#uncheck(connectionId);
    if (!peer.orphaned)
      this.#people.delete(peer.info.connectionId);
    clearTimeout(peer.orphaned);
    peer.orphaned = void 0;
    Object.assign(peer.info, { connectionId, peerId, name: name ?? peer.info.name });
    peer.polite = polite;
    this.#changed(peer);
    this.#host.tell(connectionId, { type: "usher.link_kept", link: peer.link });
    peer.goOn();
  }
  /**
   * In v1 a connection goes on where both are said: by its other page, over the connection, that
   * it is somebody; and by them, through the server, that the connection is theirs.
   */
  #keep(peer) {
    const person = this.#people.get(peer.claim ?? "");
    if (person?.claims === peer && !this.#with(person.connectionId))
      this.#move(peer, person);
  }
  #end(peer) {
    if (!peer || !this.all.includes(peer))
      return;
    this.all = this.all.filter((one) => one !== peer);
    peer.close();
    this.#changed(peer);
  }
  #onState(peer) {
    const isOver = ["failed", "closed"].includes(peer.info.state);
    if (isOver && peer.orphaned)
      this.#end(peer);
    else
      this.#changed(peer);
    if (!isOver || peer.link && this.#host.connectionId())
      return;
    this.#end(peer);
    peer.emit("someone_left", { roomId: this.#host.roomId, reason: "connection" });
  }
  // What others say
  /** Takes a payload of another page; false where it is none of the mesh's. */
  take(type, data) {
    const message2 = { ...data, type, link: textOf(data.link) };
    return this.#hear(message2, data, String(data.connectionId)) !== false;
  }
  #hear(message2, { offererId, name, fingerprints }, from) {
    const { type, link } = message2;
    const saidName = textOf(name) ?? null;
    const own = this.#host.connectionId();
    const here = this.#with(from);
    const isOffer = type === "offer";
    const isAnswer = type === "answer" || type === "ice_candidate";
    if (here && !link && isAnswer && !here.hasHeard)
      here.link = void 0;
    const mine = here && here.link === link && (link || !isOffer || here.isOfSamePage(message2.offer)) ? here : void 0;
    const isCheck = type === "link_check";
    const listed = own && isCheck && Array.isArray(fingerprints) ? fingerprints : [];
    const shown = here ? void 0 : this.all.find((peer) => peer.link && peer.info.state === "connected" && (peer.link === link || listed.includes(fingerprint(peer.connection.remoteDescription))));
    const person = this.#people.get(from) ?? {
      connectionId: from,
      peerId: textOf(offererId) ?? shown?.info.peerId ?? from,
      name: saidName,
      polite: true
    };
    if (isAnswer || isOffer && mine)
      return mine?.take(message2);
    switch (type) {
      case "offer":
        if (message2.again)
          return this.#host.tell(from, { type: "link_lost", link });
        if (here?.isOffering && !person.polite && link)
          return;
        for (const peer of this.all)
          if (peer.info.connectionId === from)
            this.#end(peer);
        return this.#begin({ ...person, name: person.name ?? saidName }, message2);
      case "link_check":
      case "usher.link_kept":
        person.claims = shown;
        if (shown && own)
          this.#keep(shown);
        else if (shown)
          this.#move(shown, person);
        else if (!mine && isCheck)
          this.#host.tell(from, { type: "link_lost", link });
        return;
      case "link_lost":
        this.#end(mine ?? shown);
        if (mine || !here && !shown && person.checked)
          this.#begin(person);
        return;
      case "usher.negotiation_failed":
        if (!mine && (here || shown))
          return;
        return this.#fail(person, new Error("The other page cannot connect"));
      default:
        return false;
    }
  }
  // For the application
  #changed(peer) {
    this.#list();
    peer.emit("peerConnectionStateChange", { state: peer.info.state });
  }
  /** Connection ids go before peer ids, and who had a peer id first keeps it. */
  #list() {
    const isLast = ({ orphaned, info }) => orphaned && info.state !== "connected" ? 1 : 0;
    const sorted = [...this.all].sort((one, other) => isLast(one) - isLast(other));
    const { peerConnections, peerInfo } = this;
    for (const id of Reflect.ownKeys(peerInfo)) {
      delete peerConnections[id];
      delete peerInfo[id];
    }
    const put = (id, { connection, info }, enumerable) => {
      if (Object.hasOwn(peerInfo, id))
        return;
      const define = (to, value) => Object.defineProperty(to, id, { configurable: true, enumerable, value });
      define(peerConnections, connection);
      define(peerInfo, info);
    };
    for (const peer of sorted)
      if (!peer.orphaned)
        put(peer.info.connectionId, peer, true);
    for (const peer of sorted)
      put(peer.info.connectionId, peer, true);
    for (const peer of sorted)
      put(peer.info.peerId, peer, false);
  }
  close() {
    this.#isClosed = true;
    for (const connectionId of this.#people.keys())
      this.#uncheck(connectionId);
    const peers = this.all;
    this.all = [];
    this.#list();
    for (const peer of peers)
      peer.close();
  }
};

// src/playback.ts
function playback(streams, onBlocked) {
  const attached = /* @__PURE__ */ new Set();
  const blocked2 = /* @__PURE__ */ new Set();
  let isTold = false;
  const play = async (el) => {
    try {
      await el.play();
      blocked2.delete(el);
      return true;
    } catch (err) {
      if (err.name === "NotAllowedError") {
        blocked2.add(el);
        if (!isTold) {
          isTold = true;
          onBlocked();
        }
      }
      return false;
    }
  };
  const look = () => {
    const all = globalThis.document?.querySelectorAll("audio, video") ?? [];
    for (const el of all) {
      const isOurs = streams().includes(el.srcObject);
      if (isOurs && el.autoplay && el.paused)
        void play(el);
    }
  };
  return {
    play,
    attach: async (el, stream) => {
      if (el.srcObject !== stream)
        el.srcObject = stream;
      attached.delete(el);
      blocked2.delete(el);
      if (!stream)
        return false;
      attached.add(el);
      el.playsInline = true;
      return play(el);
    },
    watch: (track) => {
      setTimeout(look);
      track.addEventListener("unmute", look, { once: true });
    },
    start: async () => {
      const all = [.../* @__PURE__ */ new Set([...blocked2, ...attached])].filter((el) => el.paused && el.srcObject?.active);
      blocked2.clear();
      const plays = await Promise.all(all.map(play));
      isTold = blocked2.size > 0;
      return plays.every(Boolean);
    }
  };
}

// src/ice.ts
var RENEW_AT = 0.2;
var RETRY_MS = 3e4;
var TIMER_MAX_MS = 2147483647;
function iceServers(address, getToken, own, onChange) {
  let all = own;
  let timer;
  let isClosed = false;
  const renewIn = (ms) => {
    clearTimeout(timer);
    if (!isClosed)
      timer = setTimeout(() => void renew(), Math.min(ms, TIMER_MAX_MS));
  };
  const take = (servers, expiresAt, now) => {
    clearTimeout(timer);
    if (isClosed)
      return;
    all = [...own, ...servers];
    onChange(all);
    if (expiresAt)
      renewIn(Math.max(1, expiresAt - now) * 1e3 * (1 - RENEW_AT));
  };
  const renew = async () => {
    try {
      const headers = { Authorization: `Bearer ${await getToken()}` };
      const { said, now } = await request(
        address.route("/ice-servers"),
        { headers, credentials: "omit" }
      );
      take(said.iceServers, said.expiresAt, now / 1e3);
    } catch {
      renewIn(RETRY_MS);
    }
  };
  return {
    servers: () => all,
    learn: (welcome) => take(welcome.iceServers, welcome.iceServersExpireAt, welcome.serverTime),
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    }
  };
}

// src/options.ts
var BYTES_MAX = 256;
var is = (...types) => (value) => types.includes(typeof value);
var text = (least) => [
  `a text of ${least} to ${BYTES_MAX} bytes`,
  (value) => {
    if (typeof value !== "string" || /\p{Cs}/u.test(value))
      return false;
    const size = bytesOf(value);
    return size >= least && size <= BYTES_MAX;
  }
];
var oneOf = (...words) => [words.join(" or "), (value) => words.includes(value)];
var like = (example, within2) => [`an object like ${example}`, is("object"), within2];
var device = ["true, false or constraints", is("boolean", "object")];
var constructor = ["a constructor", is("function")];
var videoRules = {
  el: ["a video element", is("object")],
  audio: device,
  video: device
};
var globalRules = {
  RTCPeerConnection: constructor,
  mediaDevices: like("navigator.mediaDevices"),
  MediaStream: constructor,
  WebSocket: constructor
};
var rules = {
  sessionId: text(1),
  name: text(0),
  clientId: text(1),
  id: text(1),
  getToken: ["a function", is("function")],
  video: like("{ audio: true, video: true }", videoRules),
  signallingServer: ["a ws, wss, http or https URL", (value) => is("string")(value.href ?? value)],
  stream: ["a MediaStream", (value) => !!value.getTracks],
  iceServers: [
    "an array like [{ urls: 'stun:a.example' }]",
    (value) => value.every?.((one) => [one?.urls].flat().every(is("string")))
  ],
  iceTransportPolicy: oneOf("all", "relay"),
  keepSession: ["true, false or a name", (value) => value !== "" && is("boolean", "string")(value)],
  dialect: oneOf("auto", "v1", "classic"),
  globals: like("{ RTCPeerConnection, WebSocket }", globalRules),
  joinWithoutMediaAfterMs: [
    "a number",
    (value) => is("number")(value) && value >= 0
  ]
};
function checkOptions(options) {
  check({ options: options ?? "" }, { options: like("{ sessionId: 'a room' }") });
  check({ ...options, sessionId: options.sessionId ?? "" }, rules);
}
function check(values, table, prefix = "") {
  for (const [name, value] of Object.entries(values)) {
    const names = Object.keys(table);
    if (!names.includes(name)) {
      throw new TypeError(`There is no option ${prefix}${name}, but ${names.join(", ")}`);
    }
    const [what2, isRight, within2] = table[name];
    if (value == null)
      continue;
    if (!isRight(value))
      throw new TypeError(`${prefix}${name} must be ${what2}`);
    if (within2)
      check(value, within2, `${name}.`);
  }
}
function checkPlatform(given) {
  for (const name of ["RTCPeerConnection", "WebSocket"]) {
    if (given?.[name] ?? globalThis[name])
      continue;
    throw new TypeError(
      `There is no ${name} here: give it by the option globals: { ${name} }`
    );
  }
}

// src/backoff.ts
function backoff(attempt, minMs, mostMs = 6e4) {
  const most = Math.min(mostMs, 1e3 * 2 ** attempt);
  return minMs + Math.random() * Math.max(0, most - minMs);
}

// src/check.ts
async function check2(address, form) {
  const reply = await post(address.route("/signal/check"), "omit", form);
  if (!reply)
    return [];
  const { status, said: { error, error_description: description }, leastMs } = reply;
  if (status < 300)
    return [{ description: "does a proxy pass WebSockets?" }];
  const isOurs = ![404, 405, 426].includes(status) && /^[a-z_]+$/.test(error ?? "");
  return [isOurs ? { error, description } : void 0, leastMs];
}

// src/socket.ts
var PATIENCE_MS3 = 2e4;
var SILENT_MS = 1e3;
var OPEN = 1;
var PONG_MS = 5e3;
var TICK_MS = 15e3;
var ACK_BYTES = 24;
var SignalSocket = class {
  #socket;
  #token = "";
  /** For a token: an answer counts only for the last time. */
  #asked;
  #address;
  #options;
  #getToken;
  #delegate;
  #timers = {};
  #events = [];
  #isBusy = false;
  constructor(address, options, getToken, delegate) {
    this.#address = address;
    this.#options = options;
    this.#getToken = getToken;
    this.#delegate = delegate;
    this.now = initial(options.dialect ?? "v1");
  }
  start(session, seq) {
    this.#listen("addEventListener");
    this.#take("start", session, seq);
  }
  /**
   * What becomes of the message afterwards changes nothing.
   *
   * @param most So many may wait to be acknowledged: any number where it is absent.
   * @throws TypeError for what cannot be sent, and an Error where too much waits.
   */
  say(message2, most) {
    const text2 = JSON.stringify(message2);
    checkData(text2, (limitsOf(this.now).maxMessageBytes || Infinity) - ACK_BYTES, "server");
    if (this.#events.length + this.now.outbox.length >= most) {
      throw new Error("Too much waits");
    }
    this.#take("say", parse(text2));
  }
  /** Ends the session: the others are told at once. */
  close() {
    this.now.effects = [];
    this.#take("close");
  }
  /** One event after the other: what a listener does meanwhile comes after what it was told. */
  #take(...event) {
    this.#events.push([Date.now(), event]);
    if (this.#isBusy)
      return;
    this.#isBusy = true;
    let next, one;
    while (next = this.#events.shift()) {
      this.now = transition(this.now, ...next);
      while (one = this.now.effects.shift()) {
        const [name, ...args] = one;
        try {
          const actor = name in this ? this : this.#delegate;
          actor[name](...args);
        } catch (err) {
          setTimeout(() => {
            throw err;
          });
        }
      }
    }
    this.#isBusy = false;
  }
  // What is to be done
  end() {
    this.#asked = void 0;
    this.drop(1e3);
    this.#listen("removeEventListener");
    this.#delegate.onEnd();
  }
  later(name, leastMs, attempt = 0, minMs = 0, mostMs, drainMs) {
    const delayMs = Math.round(leastMs + (drainMs ? Math.random() * drainMs : attempt && backoff(attempt, minMs, mostMs)));
    this.#wait(name, delayMs, () => this.#take(name));
    if (name === "retry")
      this.emit("reconnecting", { attempt, delayMs });
  }
  /** What was said of a problem may hold the token. */
  emit(type, detail) {
    const { message: message2 } = detail;
    this.#delegate.emit(type, message2 && this.#token ? { ...detail, message: message2.replaceAll(this.#token, "…") } : detail);
  }
  #wait(name, ms, then) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(then, ms);
  }
  // Tokens, and what the server says without a socket
  getToken(then) {
    const asked = this.#asked = this.#getToken();
    asked.then((token) => {
      if (asked !== this.#asked)
        return;
      this.#token = token;
      this.#take(then, token);
    }, (err) => {
      if (asked === this.#asked)
        this.#take("noToken", err);
    });
  }
  async check() {
    const { clientId: client, sessionId: room2 } = this.#options;
    this.#take("checked", ...await check2(this.#address, { token: this.#token, client, room: room2 }));
  }
  // The socket
  open(dialect, token) {
    const { clientId: client, globals } = this.#options;
    const Socket = globals?.WebSocket ?? WebSocket;
    let socket;
    try {
      socket = dialect === "v1" ? new Socket(this.#address.socket({ client }), ["usher.v1", `usher.bearer.${token}`]) : new Socket(this.#address.socket({ token, client }));
    } catch (err) {
      return err.name === "SyntaxError" ? this.#take("noToken", { code: "token_malformed", said: "unfit for a subprotocol" }) : this.#take("blocked");
    }
    this.#socket = socket;
    this.#timers.tick = setInterval(() => this.#take("tick"), TICK_MS);
    this.#wait("stalled", PATIENCE_MS3, () => {
      if (this.now.phase !== "open")
        this.#lose();
    });
    socket.onopen = () => this.#take("opened", socket.protocol);
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code, reason }) => this.#take("closed", code, reason);
    socket.onerror = () => this.#wait("stalled", SILENT_MS, () => this.#lose(""));
  }
  #hear(text2) {
    clearTimeout(this.#timers.pong);
    const { type, data, seq } = parse(text2);
    if (typeof type === "string") {
      this.#take("message", type, Object(data), [seq].find(Number.isInteger));
    }
  }
  write(message2) {
    if (this.#socket?.readyState === OPEN)
      this.#socket.send(JSON.stringify(message2));
  }
  #lose(reason = "no answer") {
    this.#take("closed", LOST, reason);
  }
  drop(code) {
    const socket = this.#socket;
    this.#socket = void 0;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      socket.close(code);
    }
    for (const timer of Object.values(this.#timers))
      clearTimeout(timer);
  }
  ping() {
    this.write({ action: "ping" });
    this.#wait("pong", PONG_MS, () => this.#lose());
  }
  // What the page hears
  #listen(how) {
    globalThis[how]?.("online", this.#onAwake);
    globalThis.document?.[how]("visibilitychange", this.#onAwake);
    globalThis.document?.[how]("securitypolicyviolation", this.#onViolation);
  }
  #onAwake = ({ type }) => {
    if (type === "online" || !document.hidden)
      this.#take("awake");
  };
  #onViolation = (event) => {
    const { blockedURI, disposition } = event;
    if (disposition === "enforce" && this.#address.isSocket(blockedURI))
      this.#take("blocked");
  };
};

// src/client.ts
var WAITING_MAX = 4096;
var WebRtcClient = class extends Emitter {
  #enter;
  #refuse;
  /**
   * Until the client is in its room for the first time. Rejects with an Error that has `code` where
   * it gives up before, or is closed.
   */
  ready = new Promise((resolve, reject) => {
    this.#enter = resolve;
    this.#refuse = ({ code, message: message2 }) => reject(Object.assign(new Error(message2), { code }));
  });
  #options;
  #socket;
  #mesh;
  #media;
  #playback = playback(
    () => this.#mesh.all.flatMap((peer) => peer.info.streams),
    () => this.emit("audioPlaybackBlocked", {})
  );
  #ice;
  /** Under which the session is kept over a reload. */
  #keepAs;
  #isResumedPage = false;
  #isClosed = false;
  /** @throws TypeError for an option that cannot be right, by its name, and without WebRTC. */
  constructor(options) {
    super();
    checkOptions(options);
    checkPlatform(options.globals);
    const { sessionId, keepSession } = options;
    this.#options = options;
    this.roomId = sessionId;
    this.ready.catch(() => void 0);
    this.#keepAs = keepSession === true ? sessionId : keepSession;
    const kept2 = takeSession(this.#keepAs);
    this.id = options.id ?? kept2?.id ?? randomID();
    const address = new Address(options.signallingServer);
    const getToken = tokens(options, address);
    this.#ice = iceServers(address, getToken, options.iceServers ?? [], (servers) => {
      for (const peer of this.#mesh.all)
        peer.configure(servers);
    });
    this.#media = new LocalMedia(options, this.emit, (el) => void this.#playback.play(el));
    this.#mesh = new Mesh(this.#host());
    this.peerConnections = this.#mesh.peerConnections;
    this.peerInfo = this.#mesh.peerInfo;
    this.#socket = new SignalSocket(address, options, getToken, this.#socketDelegate());
    this.addEventListener("localStream", ({ detail }) => {
      for (const peer of this.#mesh.all)
        void peer.sendStream(detail.stream);
    });
    this.addEventListener("resumed", ({ detail }) => {
      this.dialect = "v1";
      this.connectionId = detail.connectionId;
      if (this.#isResumedPage)
        this.#join();
    });
    this.addEventListener("trackAdded", ({ detail }) => this.#playback.watch(detail.event.track));
    this.addEventListener("socketError", ({ detail }) => {
      if (detail.final)
        this.#refuse(detail);
    });
    globalThis.addEventListener?.("pagehide", this.#onPageHide);
    this.#isResumedPage = kept2?.id === this.id;
    void this.#start(this.#isResumedPage ? kept2 : null);
  }
  async #start(kept2) {
    await this.#media.open(this.#options.joinWithoutMediaAfterMs ?? 5e3);
    if (!this.#isClosed)
      this.#socket.start(kept2?.session, kept2?.seq);
  }
  get state() {
    return this.#isClosed ? "closed" : clientState(this.#socket.now);
  }
  /** What is sent: camera or screen, and microphone; undefined while there is nothing. */
  get localStream() {
    return this.#media.stream;
  }
  get isSharing() {
    return this.#media.isSharing;
  }
  // Data
  /**
   * Sends to one peer over its data channel, in order. Whoever sends much waits for each promise,
   * so that no memory fills: it comes when at most 1 MiB was waiting in the browser.
   *
   * @param peerId Connection id or peer id.
   * @returns whether the browser has taken it all; false where there is no open channel to it.
   * @throws TypeError for what cannot be sent to it: too long, or neither text nor bytes.
   */
  send(peerId, data) {
    const peer = this.#mesh.find(peerId);
    if (peer)
      peer.check(data);
    else
      checkData(data);
    return peer?.send(data) ?? Promise.resolve(false);
  }
  /**
   * Sends to every peer, as `send` does to one.
   *
   * @returns to how many.
   * @throws TypeError for what cannot be sent to each: then nobody gets it.
   */
  broadcast(data) {
    checkData(data);
    const peers = this.#mesh.all;
    for (const peer of peers)
      peer.check(data);
    return Promise.all(peers.map((peer) => peer.send(data))).then((sent) => sent.filter(Boolean).length);
  }
  /** Sends a payload of your own through the server, where no data channel stands yet. */
  signal(peerId, payload) {
    const target = this.#mesh.find(peerId)?.info.connectionId ?? peerId;
    this.#socket.say({ action: "send-payload", target, payload }, WAITING_MAX);
  }
  // Media
  /**
   * Turns own tracks on and off: all of them, or those of one kind; without a value, the other way.
   *
   * @returns whether they are on now.
   */
  toggleTracks(kind, enabled) {
    return typeof kind === "object" ? Object.entries(kind).map(([one, on]) => on !== void 0 && this.#media.toggle([one], on)).some(Boolean) : this.#media.toggle(kind ? [kind] : KINDS, enabled);
  }
  /** Off lets go of the client's own camera; of an application's it disables the track. */
  setCameraEnabled(on) {
    return this.#media.enable("video", on);
  }
  /** Off mutes it. @returns whether it is on now; `mediaProblem` says why it is not. */
  setMicrophoneEnabled(on) {
    return this.#media.enable("audio", on);
  }
  /** Plays a peer's stream in any element; `null` ends it. @returns whether it plays. */
  attach(el, stream) {
    return this.#playback.attach(el, stream);
  }
  /** Plays what the browser has blocked; to be called in a click or key press. */
  startAudio() {
    return this.#playback.start();
  }
  /** Sends a screen in place of the camera, and its sound. Rejects where the user refuses. */
  shareScreen(stream) {
    return this.#media.shareScreen(stream);
  }
  stopScreenShare() {
    this.#media.stopSharing();
  }
  /** Uses these devices from now on; `null` gives one up. Rejects as `getUserMedia` does. */
  setDevices(ids) {
    return this.#media.setDevices(ids);
  }
  /** Sends another stream's tracks from now on. */
  setStream(stream) {
    this.#media.setStream(stream);
  }
  // The path
  /** Figures about the connection with a peer; undefined where there is none. */
  async stats(peerId) {
    return this.#mesh.find(peerId)?.stats();
  }
  /** Looks for another path to one peer, or to all. */
  restartIce(peerId) {
    const peers = peerId === void 0 ? this.#mesh.all : [this.#mesh.find(peerId)];
    for (const peer of peers)
      peer?.connection.restartIce();
  }
  /** Leaves for good. What the client opened is closed; no event comes after. */
  close() {
    if (this.#isClosed)
      return;
    this.#isClosed = true;
    this.isSilent = true;
    this.#socket.close();
    this.#refuse(problemOf({ code: "closed" }));
    this.#end();
  }
  #end() {
    globalThis.removeEventListener?.("pagehide", this.#onPageHide);
    takeSession(this.#keepAs);
    this.#ice.close();
    this.#mesh.close();
    this.#media.close();
  }
  /** Either the page comes back and goes on, or the others are told at once that it is gone. */
  #onPageHide = ({ persisted }) => {
    const { session, seq } = this.#socket.now;
    if (!this.#keepAs)
      persisted || this.close();
    else if (session)
      putSession(this.#keepAs, { id: this.id, session, seq });
  };
  // The room
  #join() {
    const name = this.#options.name || (this.dialect === "v1" ? "Guest" : "");
    this.#socket.say({ action: "join-room", roomId: this.roomId, name, id: this.id });
  }
  #onEvent = (type, data, isNew) => {
    if (isNew)
      this.#enter();
    if (type === "room_state") {
      for (const one of data.members)
        this.#mesh.meet(one, this.#isResumedPage);
      this.#isResumedPage = false;
    } else if (type === "someone_joined") {
      this.#mesh.welcome(data);
    } else if (type === "someone_left") {
      this.#mesh.leave(`${data.connectionId}`);
    } else if (type !== "first_to_join") {
      if (this.#mesh.take(type, data))
        return;
      const { connectionId, ...payload } = data;
      return this.emit("signal", { connectionId: `${connectionId}`, type, payload });
    }
    this.emit(type, data);
  };
  // What the parts ask and report
  #socketDelegate() {
    return {
      emit: this.emit,
      onFresh: (welcome) => {
        this.dialect = welcome ? "v1" : "classic";
        this.connectionId = welcome?.connectionId;
        this.#isResumedPage = false;
        this.#join();
        this.#mesh.uproot();
      },
      onWelcome: this.#ice.learn,
      onEvent: this.#onEvent,
      onEnd: () => {
        if (this.#isClosed)
          return;
        this.#isClosed = true;
        queueMicrotask(() => this.#end());
      }
    };
  }
  #host() {
    const options = this.#options;
    return {
      emit: this.emit,
      roomId: this.roomId,
      connectionId: () => this.connectionId,
      create: (configuration) => new (options.globals?.RTCPeerConnection ?? RTCPeerConnection)(configuration),
      configuration: () => ({
        iceServers: this.#ice.servers(),
        iceTransportPolicy: options.iceTransportPolicy ?? "all"
      }),
      stream: () => this.#media.stream,
      sound: () => this.#media.sound,
      receive: options.video || options.stream ? KINDS : [],
      tell: (target, payload) => this.#socket.say({
        action: "send-payload",
        target,
        payload: { ...payload, offererId: this.id, name: options.name ?? null }
      })
    };
  }
};
export {
  WebRtcClient,
  WebRtcClient as default
};
//# sourceMappingURL=webrtc-client.js.map
