"use strict";
(() => {
  // src/address.ts
  var SOCKET = "/signal";
  var Address = class {
    base;
    /** @throws TypeError for what is no URL that a page can connect to. */
    constructor(signallingServer) {
      const page = globalThis.location;
      if (!signallingServer && !page) {
        throw new TypeError("signallingServer must be given where no page has an origin");
      }
      const text2 = signallingServer || SOCKET;
      let base;
      try {
        base = new URL(text2, page?.href);
      } catch {
        throw new TypeError(`signallingServer is no URL: ${text2}`);
      }
      if (!["ws:", "wss:", "http:", "https:"].includes(base.protocol)) {
        throw new TypeError(`signallingServer must be a ws, wss, http or https URL, not ${text2}`);
      }
      this.base = base;
    }
    /** The socket's URL; `token` stands in it in the classic dialect alone. */
    socket(parameters) {
      const url = new URL(this.base.href);
      url.protocol = this.base.protocol.replace(/^http/, "ws");
      url.hash = "";
      for (const [name, value] of Object.entries(parameters)) {
        if (value !== void 0)
          url.searchParams.set(name, value);
      }
      return url.href;
    }
    /** A route of the HTTP service, below the path that a proxy has put before all of it. */
    route(path) {
      const url = new URL(this.base.href);
      url.protocol = this.base.protocol.replace(/^ws/, "http");
      const prefix = url.pathname.replace(/\/+$/, "").replace(/\/signal$/, "");
      return url.origin + prefix + path;
    }
    /** Whether this is the socket's server, by what a broken policy of the page says. */
    isSocket(blocked2) {
      try {
        const { protocol, host } = new URL(blocked2);
        return /^wss?:$/.test(protocol) && host === this.base.host;
      } catch {
        return false;
      }
    }
  };

  // src/codes.ts
  var CODES = {
    invalid_token: ["no", "the server does not take the token", "give a fresh one of this server"],
    insufficient_scope: ["yes", "the token lacks the scope `signal`", "ask for one that has it"],
    origin_not_allowed: ["yes", "pages of this origin are not let in", "register the origin"],
    client_mismatch: ["yes", "the session is another client's", "sign in to this one"],
    too_many_connections: ["no", "there are too many connections", "wait"],
    temporarily_unavailable: ["no", "the server is full or goes down", "wait"],
    room_forbidden: ["yes", "the token does not grant the room", "ask for one that does"],
    room_full: ["yes", "the room is full", "try later, or another"],
    too_many_rooms: ["yes", "the connection is in too many rooms", "leave one"],
    peer_id_taken: ["yes", "another peer in the room has this `id`", "choose another"],
    token_unavailable: ["no", "there is no token", "see what gives the tokens"],
    token_malformed: ["at first", "this is no token", "see what `getToken` gives"],
    unreachable: ["no", "the server cannot be reached", "see whether it runs, and its address"],
    blocked_by_page: [
      "yes",
      "the page may not connect to the server",
      "allow it in its Content-Security-Policy, and use `wss:`"
    ],
    kicked: ["yes", "an operator closed the connection, or the token was revoked", "sign in again"],
    replaced: ["yes", "another connection of this peer took its place", "go on there, or reload"],
    server_restarting: ["no", "the server restarts", "wait"],
    protocol_error: [
      "yes",
      "client and server do not understand each other",
      "see whether it is Usher, and what stands between"
    ],
    closed: ["yes", "`close` was called", "make another client"]
  };
  function isFinalClose(code) {
    return [1002, 1003, 1007, 1009].includes(code) || code >= 4500;
  }
  function codeOfClose(closeCode) {
    switch (closeCode) {
      case 1012:
        return "server_restarting";
      case 4501:
        return "kicked";
      case 4509:
        return "replaced";
      default:
        return isFinalClose(closeCode) ? "protocol_error" : void 0;
    }
  }
  function isFinal(code, hasOpened) {
    const final = CODES[code]?.[0];
    return final === "yes" || final === "at first" && !hasOpened;
  }
  function explain(code, said) {
    const row = CODES[code];
    const text2 = row ? `${row[1]}; ${row[2]}`.replace(/`/g, "") : `the server refused: ${code}`;
    return text2.charAt(0).toUpperCase() + text2.slice(1) + (said ? ` (${said})` : "");
  }

  // src/emitter.ts
  var Emitter = class {
    listeners = /* @__PURE__ */ new Map();
    isClosed = false;
    add(type, listener) {
      const set = this.listeners.get(type) ?? /* @__PURE__ */ new Set();
      set.add(listener);
      this.listeners.set(type, set);
    }
    remove(type, listener) {
      this.listeners.get(type)?.delete(listener);
    }
    emit(type, detail) {
      if (this.isClosed)
        return;
      const event = { type, detail };
      for (const listener of [...this.listeners.get(type) ?? []]) {
        try {
          listener(event);
        } catch (error) {
          setTimeout(() => {
            throw error;
          });
        }
      }
    }
    close() {
      this.isClosed = true;
      this.listeners.clear();
    }
  };

  // src/id.ts
  function randomID() {
    const crypto = globalThis.crypto;
    if (crypto?.randomUUID)
      return crypto.randomUUID();
    const bytes = Uint8Array.from({ length: 16 }, () => Math.random() * 256);
    crypto?.getRandomValues?.(bytes);
    bytes[6] = (bytes[6] ?? 0) & 15 | 64;
    bytes[8] = (bytes[8] ?? 0) & 63 | 128;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  // src/media-state.ts
  var KINDS = ["audio", "video"];
  var SHORT_MS = 1e4;
  var TRIES = 3;
  var initialDevice = {
    phase: "none",
    isOwn: false,
    isOn: true,
    isLost: false,
    tries: 0,
    ask: 0
  };
  function transition(kind, state, event) {
    const to2 = (change, ...effects) => ({ state: { ...state, ...change }, effects });
    const { phase, isOn, ask } = state;
    if (phase === "closed")
      return to2({}, ...event.type === "got" ? ["stop"] : []);
    switch (event.type) {
      case "open":
        return phase === "none" && (isOn || kind === "audio") ? to2({ phase: "asking" }) : to2({});
      case "enable":
        return enable(kind, state, event.on, to2);
      case "got":
        if (event.ask !== ask)
          return to2({}, "stop");
        if (kind === "video" && !isOn)
          return to2({ phase: "none", ask: ask + 1 }, "stop");
        return to2({ phase: "live", isOwn: true, isLost: false, ask: ask + 1 }, "take");
      case "failed":
        if (event.ask !== ask)
          return to2({});
        return to2(
          { phase: "none", isLost: state.isLost && !event.isRefusal },
          "release",
          "tell"
        );
      case "given":
        if (!event.isThere) {
          return to2({ phase: "none", isLost: false, ask: ask + 1 }, "release");
        }
        return to2({ phase: "live", isOwn: !!event.isOwn, isLost: false, ask: ask + 1 }, "take");
      case "ended":
        return end(state, event.livedMs, to2);
      case "devicechange":
        return phase === "none" && state.isLost && (isOn || kind === "audio") ? to2({ phase: "asking", ask: ask + 1 }, "retry") : to2({});
      case "close":
        return to2({ phase: "closed" });
    }
  }
  function enable(kind, { phase, isOwn: isOwn2, ask }, on, to2) {
    if (phase === "asking")
      return to2({ isOn: on });
    if (phase === "live") {
      if (on || kind === "audio" || !isOwn2)
        return to2({ isOn: on }, on ? "unmute" : "mute");
      return to2({ phase: "none", isOn: false }, "release");
    }
    return on ? to2({ phase: "asking", isOn: true, ask: ask + 1 }, "ask") : to2({ isOn: false });
  }
  function end(state, livedMs, to2) {
    if (state.phase !== "live")
      return to2({});
    const tries = livedMs < SHORT_MS ? state.tries + 1 : 0;
    if (!state.isOwn)
      return to2({ phase: "none" }, "release", "tell");
    const lost2 = { isLost: true, tries };
    if (tries > TRIES)
      return to2({ ...lost2, phase: "none" }, "release", "tell");
    return to2({ ...lost2, phase: "asking", ask: state.ask + 1 }, "tell", "ask");
  }
  function isRefusal(err) {
    return ["NotAllowedError", "SecurityError"].includes(nameOf(err));
  }
  function isBusy(err) {
    return ["NotReadableError", "AbortError"].includes(nameOf(err));
  }
  function afterFailure(ask, rest, err, denied2) {
    const kinds = kindsOf(ask);
    if (isRefusal(err)) {
      const left = kinds.filter((kind2) => !denied2.includes(kind2));
      const asks = left.length < kinds.length && left.length ? [pick(ask, left)] : [];
      const failed = kinds.filter((kind2) => !asks.length || denied2.includes(kind2));
      return { asks, failed: [...failed, ...rest.flatMap(kindsOf)], isStale: false };
    }
    if (kinds.length > 1) {
      return { asks: kinds.map((kind2) => pick(ask, [kind2])), failed: [], isStale: false };
    }
    const kind = kinds[0];
    const { deviceId, ...others } = constraints(ask[kind]);
    if (deviceId && ["OverconstrainedError", "NotFoundError"].includes(nameOf(err))) {
      const instead = Object.keys(others).length ? others : true;
      return { asks: [{ [kind]: instead }, ...rest], failed: [], isStale: true };
    }
    return { asks: rest, failed: [kind], isStale: false };
  }
  function constraints(wanted) {
    return typeof wanted === "object" ? wanted : {};
  }
  function kindsOf(ask) {
    return KINDS.filter((kind) => ask[kind]);
  }
  function pick(ask, kinds) {
    return Object.fromEntries(kinds.map((kind) => [kind, ask[kind]]));
  }
  function nameOf(err) {
    return err?.name ?? "";
  }

  // src/media-ask.ts
  function mediaDevices() {
    return globalThis.navigator?.mediaDevices;
  }
  async function getTracks(ask) {
    const devices = mediaDevices();
    if (!devices)
      throw new Error("Browsers give camera and microphone to https pages only");
    return (await devices.getUserMedia(ask)).getTracks();
  }
  async function findTracks(wanted, isOver, onStale) {
    const found = { tracks: {}, errors: {} };
    let asks = [wanted];
    while (asks.length && !isOver()) {
      const [ask, ...rest] = asks;
      try {
        for (const track of await getTracks(ask))
          found.tracks[track.kind] = track;
        asks = rest;
      } catch (err) {
        const next = afterFailure(ask, rest, err, isRefusal(err) ? await denied(ask) : []);
        asks = next.asks;
        for (const kind of next.failed)
          found.errors[kind] = err;
        if (next.isStale)
          onStale(kindsOf(ask)[0], err);
      }
    }
    return found;
  }
  async function denied(ask) {
    const states = await Promise.all(kindsOf(ask).map(async (kind) => {
      try {
        const name = kind === "audio" ? "microphone" : "camera";
        return (await navigator.permissions.query({ name })).state === "denied" ? [kind] : [];
      } catch {
        return [];
      }
    }));
    return states.flat();
  }

  // src/media.ts
  var soundOf = /* @__PURE__ */ new WeakMap();
  var DARK_MS = 150;
  var LONGEST_TIMER_MS = 2 ** 31 - 1;
  var LocalMedia = class {
    constructor(options, stream, delegate) {
      this.options = options;
      this.delegate = delegate;
      const isAsked = !stream && options;
      this.wanted = {
        audio: isAsked && options.audio || false,
        video: isAsked && options.video || false
      };
      if (stream) {
        this.give(stream.getTracks());
        this.sync(false);
      }
      mediaDevices()?.addEventListener?.("devicechange", this.onDeviceChange);
      globalThis.document?.addEventListener("visibilitychange", this.onDeviceChange);
    }
    /** undefined until there is something to send. */
    stream;
    /** Of camera and microphone, or what the application gave in their place. */
    tracks = {};
    since = {};
    devices = { audio: initialDevice, video: initialDevice };
    wanted;
    /** Whether the next track of a kind is to be on, where there is none to take it from. */
    enabled = { audio: true, video: true };
    asking = {};
    /** Tracks that we have opened: these alone are ours to stop. */
    own = /* @__PURE__ */ new WeakSet();
    /** Tracks that are sent no more, from the next `sync` on. */
    leaving = /* @__PURE__ */ new Set();
    screen;
    choosing = Promise.resolve();
    isClosed = false;
    timer;
    get isSharing() {
      return this.screen !== void 0;
    }
    /** Asks for what the options say. Resolves with the answer, and after `waitMs` at the latest. */
    async open(waitMs) {
      if (!kindsOf(this.wanted).length)
        return;
      await this.sleep(0);
      for (const kind of kindsOf(this.wanted))
        this.dispatch(kind, { type: "open" });
      const asked = KINDS.filter((kind) => this.devices[kind].phase === "asking" && !this.asking[kind]);
      if (!asked.length)
        return;
      const opened2 = this.acquire(asked).then((err) => {
        if (!this.isClosed && !this.tracks.audio && !this.tracks.video && err) {
          this.delegate.onNoMedia(err);
        }
      });
      for (const kind of asked)
        this.asking[kind] = opened2;
      await (waitMs > LONGEST_TIMER_MS ? opened2 : Promise.race([opened2, this.sleep(waitMs)]));
      clearTimeout(this.timer);
    }
    sleep(ms) {
      return new Promise((resolve) => {
        this.timer = setTimeout(resolve, ms);
      });
    }
    // Devices
    dispatch(kind, event, track, err) {
      const { state, effects } = transition(kind, this.devices[kind], event);
      this.devices[kind] = state;
      for (const effect of effects)
        this.run(kind, effect, effects, track, err);
    }
    run(kind, effect, all, track, err) {
      const old = this.tracks[kind];
      switch (effect) {
        case "take":
          return this.take(kind, track);
        case "stop":
          return track.stop();
        case "release":
          if (!old)
            return;
          this.enabled[kind] = old.enabled;
          this.leaving.add(old);
          delete this.tracks[kind];
          return;
        case "ask":
        case "retry":
          this.asking[kind] = this.acquire([kind], effect === "retry").then(() => void 0);
          return;
        case "mute":
        case "unmute":
          if (old)
            old.enabled = effect === "unmute";
          return;
        case "tell":
          if (!err)
            return;
          this.delegate.onProblem({ device: kind, err, willReplace: all.includes("ask") });
      }
    }
    take(kind, track) {
      const old = this.tracks[kind];
      if (old === track)
        return;
      if (!(old?.enabled ?? this.enabled[kind]))
        track.enabled = false;
      else if (old)
        track.enabled = true;
      if (old)
        this.leaving.add(old);
      this.tracks[kind] = track;
      this.since[kind] = Date.now();
      track.addEventListener("ended", this.onEnded);
    }
    /** @returns what went wrong, where something did. */
    async acquire(kinds, isQuiet = false) {
      const numbers = kinds.map((kind) => this.devices[kind].ask);
      const wanted = Object.fromEntries(kinds.map((kind) => [kind, this.wanted[kind] || true]));
      const { tracks, errors } = await findTracks(wanted, () => this.isClosed, (kind, err) => {
        if (!isQuiet && !this.isClosed) {
          this.delegate.onProblem({ device: kind, err, willReplace: true });
        }
      });
      kinds.forEach((kind, index) => {
        const ask = numbers[index];
        const track = tracks[kind];
        const err = errors[kind];
        if (track) {
          this.own.add(track);
          this.dispatch(kind, { type: "got", ask }, track);
        } else {
          const event = { type: "failed", ask, isRefusal: isRefusal(err) };
          this.dispatch(kind, event, void 0, isQuiet ? void 0 : err);
        }
      });
      this.sync();
      return errors.audio ?? errors.video;
    }
    async get(ask) {
      const tracks = await getTracks(ask);
      for (const track of tracks)
        this.own.add(track);
      return tracks;
    }
    // Tracks that end by themselves
    /** Permission withdrawn, a phone call, a device pulled out: the default one takes its place. */
    onEnded = ({ target }) => {
      const kind = KINDS.find((one) => this.tracks[one] === target);
      if (kind)
        this.lose(kind, Date.now() - (this.since[kind] ?? 0));
    };
    lose(kind, livedMs) {
      const what2 = kind === "video" ? "camera" : "microphone";
      const err = new Error(`The ${what2} has ended: forbidden, gone, or taken by something else`);
      this.dispatch(kind, { type: "ended", livedMs }, void 0, err);
      if (this.devices[kind].phase === "none")
        this.sync();
    }
    /** Also when the page is looked at again: a phone call that is over changes no device. */
    onDeviceChange = () => {
      for (const kind of KINDS) {
        if (this.devices[kind].isOwn && this.tracks[kind]?.readyState === "ended") {
          this.lose(kind, Infinity);
        }
        if (!globalThis.document?.hidden)
          this.dispatch(kind, { type: "devicechange" });
      }
    };
    // The stream
    /** Brings the stream to what is to be sent now, and stops what we need no more. */
    sync(isTold = true) {
      if (this.isClosed)
        return;
      const screen = this.screen?.getTracks().find((track) => track.kind === "video");
      const now = [this.tracks.audio, screen ?? this.tracks.video].filter((track) => track !== void 0);
      if (!this.stream && !now.length)
        return;
      const stream = this.stream ??= new MediaStream();
      for (const track of stream.getTracks())
        if (!now.includes(track))
          stream.removeTrack(track);
      for (const track of now)
        stream.addTrack(track);
      const sound = this.screen?.getTracks().find((track) => track.kind === "audio");
      if (sound)
        soundOf.set(stream, sound);
      else
        soundOf.delete(stream);
      this.show();
      if (isTold)
        this.delegate.onStream();
      this.dismiss();
    }
    dismiss() {
      const used = [
        this.tracks.audio,
        this.tracks.video,
        ...this.screen?.getTracks() ?? []
      ];
      for (const track of this.leaving) {
        if (used.includes(track))
          continue;
        track.removeEventListener("ended", this.onEnded);
        if (this.own.has(track))
          track.stop();
      }
      this.leaving.clear();
    }
    show() {
      const el = this.options?.el;
      if (!el || !this.stream)
        return;
      el.muted = true;
      el.playsInline = true;
      el.autoplay = true;
      const shown = this.stream.getVideoTracks().length ? this.stream : null;
      if (el.srcObject !== shown)
        el.srcObject = shown;
      if (shown)
        this.delegate.play(el);
    }
    // Changes during a call
    /** @returns whether the camera or microphone is on now. */
    async enable(kind, on) {
      const before = this.tracks[kind];
      this.dispatch(kind, { type: "enable", on });
      this.enabled[kind] = on;
      if (before && !this.tracks[kind])
        await this.darken(before);
      if (on)
        await this.asking[kind];
      const track = this.tracks[kind];
      return !this.isClosed && track !== void 0 && track.readyState === "live" && track.enabled;
    }
    /** A camera whose place nobody takes sends black first. */
    async darken(track) {
      if (track.kind === "video" && this.own.has(track)) {
        track.enabled = false;
        await new Promise((resolve) => setTimeout(resolve, DARK_MS));
      }
      this.sync();
    }
    /** The screen's picture in place of the camera's, and its sound beside the microphone's. */
    async shareScreen(given) {
      const devices = mediaDevices();
      if (!given && !devices?.getDisplayMedia)
        throw new Error("This browser shares no screen");
      const screen = given ?? await devices.getDisplayMedia({ video: true, audio: true });
      if (!given)
        for (const track2 of screen.getTracks())
          this.own.add(track2);
      const track = screen.getVideoTracks()[0];
      if (!track || this.isClosed) {
        this.discard(screen.getTracks());
        throw new Error(track ? "The client is closed" : "What is to be shared has no picture");
      }
      this.leaveScreen();
      this.screen = screen;
      track.addEventListener("ended", () => {
        if (this.screen !== screen)
          return;
        this.stopSharing();
        this.delegate.onScreenShareEnded();
      });
      this.sync();
      track.enabled = true;
      return screen;
    }
    stopSharing() {
      if (!this.screen)
        return;
      this.leaveScreen();
      this.sync();
    }
    leaveScreen() {
      for (const track of this.screen?.getTracks() ?? [])
        this.leaving.add(track);
      this.screen = void 0;
    }
    /** Uses these devices; `null` gives one up, what is left out stays. */
    setDevices(ids) {
      const chosen = this.choosing.then(async () => {
        await this.choose("audio", ids.audioDeviceId);
        await this.choose("video", ids.videoDeviceId);
      });
      this.choosing = chosen.catch(() => void 0);
      return chosen;
    }
    async choose(kind, id) {
      if (id === void 0 || this.isClosed)
        return;
      const old = this.tracks[kind];
      if (id === null) {
        this.wanted[kind] = false;
        this.give([], [kind]);
        return old && this.darken(old);
      }
      const wanted = { ...constraints(this.wanted[kind]), deviceId: { exact: id } };
      const { ask, isOn } = this.devices[kind];
      if (kind === "video" && !isOn) {
        this.give([], [kind]);
        this.sync();
      } else {
        const [track] = await this.exchange(kind, wanted, ask);
        const isLate = !this.isClosed && this.devices[kind].ask !== ask;
        this.dispatch(kind, { type: "got", ask }, track);
        this.sync();
        if (isLate)
          throw new Error("Something else was chosen meanwhile");
      }
      this.wanted[kind] = wanted;
    }
    /** Many cameras, and phones above all, do not open one beside another. */
    async exchange(kind, wanted, ask) {
      try {
        return await this.get({ [kind]: wanted });
      } catch (err) {
        const old = this.tracks[kind];
        if (!isBusy(err) || !old || !this.own.has(old))
          throw err;
        const { deviceId } = old.getSettings();
        old.stop();
        return this.get({ [kind]: wanted }).catch(async (again2) => {
          await this.goBack(kind, deviceId, ask);
          throw again2;
        });
      }
    }
    async goBack(kind, deviceId, ask) {
      const wanted = { ...constraints(this.wanted[kind]), ...deviceId && { deviceId } };
      try {
        const [track] = await this.get({ [kind]: wanted });
        this.dispatch(kind, { type: "got", ask }, track);
      } catch (err) {
        if (this.devices[kind].ask !== ask)
          return;
        this.give([], [kind]);
        this.delegate.onProblem({ device: kind, err, willReplace: false });
      }
      this.sync();
    }
    /** Sends another stream's tracks, which stay the application's. */
    setStream(stream) {
      this.give(stream.getTracks());
      this.sync();
    }
    give(tracks, kinds = KINDS) {
      for (const kind of kinds) {
        const track = tracks.find((one) => one.kind === kind);
        const isOwn2 = track && this.own.has(track);
        this.dispatch(kind, { type: "given", isThere: !!track, isOwn: isOwn2 }, track);
      }
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
      if (this.isClosed)
        return;
      this.isClosed = true;
      clearTimeout(this.timer);
      mediaDevices()?.removeEventListener?.("devicechange", this.onDeviceChange);
      globalThis.document?.removeEventListener("visibilitychange", this.onDeviceChange);
      for (const kind of KINDS)
        this.dispatch(kind, { type: "close" });
      this.leaveScreen();
      for (const kind of KINDS)
        this.run(kind, "release", [], void 0, void 0);
      this.dismiss();
      const el = this.options?.el;
      if (el && el.srcObject === this.stream)
        el.srcObject = null;
    }
    discard(tracks) {
      for (const track of tracks)
        if (this.own.has(track))
          track.stop();
    }
  };

  // src/sha256.ts
  var WORD = 2 ** 32;
  var rotate = (word, by) => word >>> by | word << 32 - by;
  var fraction = (root) => root % 1 * WORD | 0;
  function sha256(text2) {
    const bytes = new TextEncoder().encode(text2);
    const words = new Int32Array(((bytes.length + 8 >> 6) + 1) * 16);
    [...bytes, 128].forEach((byte, at) => {
      words[at >> 2] |= byte << 24 - (at & 3) * 8;
    });
    words[words.length - 1] = bytes.length * 8;
    const primes = [];
    for (let one = 2; primes.length < 64; one += 1) {
      if (primes.every((prime) => one % prime))
        primes.push(one);
    }
    const constants = primes.map((prime) => fraction(Math.cbrt(prime)));
    const state = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
    for (let at = 0; at < words.length; at += 16) {
      compress(state, words.subarray(at, at + 16), constants);
    }
    return state.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }
  function compress(state, block, constants) {
    const w = [...block];
    let [a, b, c, d, e, f, g, h] = state;
    constants.forEach((constant, i) => {
      if (i > 15) {
        const [x, y] = [w[i - 15], w[i - 2]];
        w[i] = w[i - 16] + w[i - 7] + (rotate(x, 7) ^ rotate(x, 18) ^ x >>> 3) + (rotate(y, 17) ^ rotate(y, 19) ^ y >>> 10) | 0;
      }
      const one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (e & f ^ ~e & g) + constant + w[i];
      const two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + (a & b ^ a & c ^ b & c);
      [a, b, c, d, e, f, g, h] = [one + two | 0, a, b, c, d + one | 0, e, f, g];
    });
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      state[i] = state[i] + word | 0;
    });
  }

  // src/links.ts
  var ORPHAN_MS = 6e4;
  var CHECK_MS = 5e3;
  var KINDS2 = {
    //                   of this link    shows another  of no link that  sender has
    //                                   link of ours   we know of       no link
    offer: ["take", "accept", "accept", "accept"],
    again: ["take", "deny", "deny", "deny"],
    answer: ["take", "ignore", "ignore", "ignore"],
    ice_candidate: ["take", "ignore", "ignore", "ignore"],
    link_check: ["ignore", "keep", "deny", "deny"],
    link_lost: ["renew", "forget", "ignore", "begin"],
    "usher.link_kept": ["ignore", "move", "ignore", "ignore"],
    "usher.negotiation_failed": ["tell", "ignore", "ignore", "tell"]
  };
  function isKind(type) {
    return Object.prototype.hasOwnProperty.call(KINDS2, type);
  }
  function proofOf(name, from, to2) {
    return sha256(`${name} ${from} ${to2}`);
  }
  var EMPTY = {
    people: /* @__PURE__ */ new Map(),
    links: /* @__PURE__ */ new Map(),
    checking: /* @__PURE__ */ new Set(),
    count: 0
  };
  function linkWith({ links }, connectionId) {
    return [...links.values()].find(
      (link) => !link.isOrphan && link.person.connectionId === connectionId
    );
  }
  function transition2(state, event) {
    const draft = new Draft(state);
    draft.handle(event);
    return { state: draft, effects: draft.effects };
  }
  var Draft = class {
    people;
    links;
    checking;
    count;
    effects = [];
    constructor(state) {
      this.people = new Map(state.people);
      this.links = new Map(state.links);
      this.checking = new Set(state.checking);
      this.count = state.count;
    }
    handle(event) {
      switch (event.type) {
        case "fresh":
          return this.enter(event.own !== void 0);
        case "joined":
          return this.welcome(event.person, event);
        case "there": {
          this.people.set(event.person.connectionId, event.person);
          if (event.begins)
            this.begin(event.person, event.id);
          return;
        }
        case "left": {
          this.people.delete(event.connectionId);
          this.check(event.connectionId, false);
          return this.close(linkWith(this, event.connectionId));
        }
        case "check_over": {
          const person = this.people.get(event.connectionId);
          if (this.checking.delete(event.connectionId) && person)
            this.begin(person, event.id);
          return;
        }
        case "status":
          return this.learn(event.key, event.status);
        case "gone":
          return this.close(this.links.get(event.key));
        case "orphan_over": {
          const link = this.links.get(event.key);
          return link?.isOrphan ? this.close(link) : void 0;
        }
        case "said":
          return this.hear(event, event);
      }
    }
    change(link, change) {
      const changed = { ...link, ...change };
      this.links.set(link.key, changed);
      return changed;
    }
    // Who is there
    /** The room is entered anew: others may come back too, under other connection ids. */
    enter(isV1) {
      this.people.clear();
      for (const connectionId of this.checking)
        this.check(connectionId, false);
      for (const link of this.links.values()) {
        if (link.isOrphan)
          continue;
        this.change(link, { isOrphan: true });
        const { key, name, person: { connectionId: to2 } } = link;
        const isShown = name !== void 0 && !isV1;
        if (isShown)
          this.tell(to2, { type: "link_check", link: name });
        this.effects.push({
          do: "wait",
          timer: `orphan ${key}`,
          ms: name !== void 0 && isV1 ? ORPHAN_MS : CHECK_MS,
          then: { type: "orphan_over", key }
        });
      }
    }
    /** Somebody came after us: the first offer is ours, unless it is somebody whom we know. */
    welcome(person, { id, own }) {
      const { connectionId, peerId } = person;
      this.people.set(connectionId, person);
      if (linkWith(this, connectionId))
        return;
      const known = [...this.links.values()].filter((link) => link.name !== void 0 && link.person.peerId === peerId && link.status === "connected" && link.isOrphan === (own !== void 0) && link.person.connectionId !== connectionId);
      if (!known.length)
        return this.begin(person, id);
      const proofs = own === void 0 ? [] : known.map(({ name }) => proofOf(name, own, connectionId));
      this.tell(connectionId, { type: "link_check", proofs });
      this.check(connectionId, true);
    }
    check(connectionId, isOn) {
      const timer = `check ${connectionId}`;
      if (isOn) {
        this.checking.add(connectionId);
        const then = { type: "check_over", connectionId };
        this.effects.push({ do: "wait", timer, ms: CHECK_MS, then });
      } else if (this.checking.delete(connectionId)) {
        this.effects.push({ do: "unwait", timer });
      }
    }
    begin(person, name, isOfferer = true) {
      if (linkWith(this, person.connectionId))
        return;
      this.check(person.connectionId, false);
      const key = this.count += 1;
      const link = { key, person, name, status: "new", isOrphan: false };
      this.links.set(key, link);
      this.effects.push({ do: "begin", link, isOfferer });
    }
    move(link, person) {
      this.check(person.connectionId, false);
      if (link.isOrphan)
        this.effects.push({ do: "unwait", timer: `orphan ${link.key}` });
      else
        this.people.delete(link.person.connectionId);
      this.effects.push({ do: "move", link: this.change(link, { person, isOrphan: false }) });
    }
    close(link) {
      if (!link)
        return;
      this.links.delete(link.key);
      if (link.isOrphan)
        this.effects.push({ do: "unwait", timer: `orphan ${link.key}` });
      this.effects.push({ do: "close", key: link.key });
    }
    learn(key, status) {
      const link = this.links.get(key);
      if (!link)
        return;
      const changed = this.change(link, { status });
      if (link.isOrphan && (status === "failed" || status === "closed"))
        this.close(changed);
    }
    // What others say
    tell(to2, payload) {
      this.effects.push({ do: "tell", to: to2, payload });
    }
    hear(said, { id, own }) {
      const { from, kind, facts } = said;
      let here = linkWith(this, from);
      const isAnswer = kind === "answer" || kind === "ice_candidate";
      if (here?.name !== void 0 && said.link === void 0 && isAnswer && !facts?.hasHeard) {
        here = this.change(here, { name: void 0 });
        this.effects.push({ do: "classic", key: here.key });
      }
      const isMine = here && here.name === said.link && (here.name !== void 0 || kind !== "offer" || facts?.isSamePage);
      const shown = here ? void 0 : this.shown(said, own);
      const person = this.people.get(from) ?? (shown ? { ...shown.person, connectionId: from } : { connectionId: from, peerId: said.peerId, name: said.name, polite: true });
      switch (KINDS2[kind][isMine ? 0 : shown ? 1 : here ? 2 : 3]) {
        case "take":
          this.effects.push({ do: "take", key: here.key });
          return;
        case "accept":
          return this.accept(said, person, here);
        case "deny":
          return this.tell(from, { type: "link_lost", link: said.link });
        case "keep": {
          this.move(shown, person);
          return this.tell(from, { type: "usher.link_kept", link: shown.name });
        }
        case "move":
          return this.move(shown, person);
        case "forget":
          return this.close(shown);
        case "renew": {
          this.close(here);
          return this.begin(person, id);
        }
        case "begin":
          if (this.checking.has(from))
            this.begin(person, id);
          return;
        case "tell":
          this.effects.push({ do: "problem", person });
          return;
      }
    }
    /** The link of ours that the sender is at the other end of, as its name or a proof shows. */
    shown({ link: name, proofs, from }, own) {
      return [...this.links.values()].find((link) => link.name !== void 0 && link.status === "connected" && (link.name === name || own !== void 0 && proofs.length > 0 && proofs.includes(proofOf(link.name, from, own))));
    }
    /** The first offer of a new connection. */
    accept(said, person, old) {
      if (old && said.facts?.isOffering && !person.polite && said.link !== void 0)
        return;
      for (const link of this.links.values()) {
        if (link.person.connectionId === said.from)
          this.close(link);
      }
      this.begin({ ...person, name: person.name ?? said.name }, said.link, false);
      this.effects.push({ do: "take", key: this.count });
    }
  };

  // src/configuration.ts
  function connect(configuration, onRefused) {
    try {
      return new RTCPeerConnection(configuration);
    } catch (err) {
      const { usable, refused: refused2 } = sift(configuration.iceServers ?? []);
      if (!refused2.length)
        throw err;
      const connection = new RTCPeerConnection({ ...configuration, iceServers: usable });
      refused2.forEach(onRefused);
      return connection;
    }
  }
  function configure(connection, iceServers) {
    const others = connection.getConfiguration();
    try {
      connection.setConfiguration({ ...others, iceServers });
    } catch {
      connection.setConfiguration({ ...others, iceServers: sift(iceServers).usable });
    }
  }
  function sift(servers) {
    const refused2 = [];
    const usable = servers.flatMap((server) => [server.urls].flat().map(
      (urls) => ({ ...server, urls })
    )).filter((server) => {
      try {
        new RTCPeerConnection({ iceServers: [server] }).close();
        return true;
      } catch (err) {
        refused2.push(new Error(`The ICE server ${server.urls} cannot be used: ${String(err)}`));
        return false;
      }
    });
    return { usable, refused: refused2 };
  }

  // src/sending.ts
  var BUFFERED_MAX = 1 << 20;
  var LOOK_MS = 100;
  function is(data, ...names) {
    return names.includes(Object.prototype.toString.call(data).slice(8, -1));
  }
  function isBlob(data) {
    return is(data, "Blob", "File");
  }
  function checkData(data, most = Infinity) {
    const isBytes = is(data, "ArrayBuffer") || ArrayBuffer.isView(data);
    if (typeof data !== "string" && !isBytes && !isBlob(data)) {
      throw new TypeError("Only a text, bytes (ArrayBuffer or a view of one) or a Blob can be sent: turn an object into a text with JSON.stringify");
    }
    const length = lengthOf(data, most);
    if (length > most) {
      throw new TypeError(`A message to this peer holds at most ${most} bytes, not ${length}: send it in pieces`);
    }
  }
  function lengthOf(data, most) {
    if (typeof data !== "string")
      return isBlob(data) ? data.size : data.byteLength;
    return data.length * 3 <= most ? data.length : new TextEncoder().encode(data).length;
  }
  function kept(data) {
    if (typeof data === "string" || isBlob(data))
      return data;
    return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() : data.slice(0);
  }
  var SendQueue = class {
    constructor(channel) {
      this.channel = channel;
    }
    waiting = [];
    /** Whether the browser has taken it all; false where there is no open channel. */
    push(data) {
      const channel = this.channel();
      if (!channel)
        return Promise.resolve(false);
      if (!this.waiting.length && !isBlob(data) && channel.bufferedAmount <= BUFFERED_MAX) {
        return Promise.resolve(give(channel, data));
      }
      return new Promise((done) => {
        this.waiting.push({ data: kept(data), done });
        if (this.waiting.length === 1)
          void this.drain();
      });
    }
    async drain() {
      for (let next = this.waiting[0]; next; next = this.waiting[0]) {
        const data = isBlob(next.data) ? await next.data.arrayBuffer().catch(() => void 0) : next.data;
        const channel = await this.room();
        this.waiting.shift();
        next.done(channel !== void 0 && data !== void 0 && give(channel, data));
      }
    }
    /** The channel, once little waits in it. */
    async room() {
      for (; ; ) {
        const channel = this.channel();
        if (!channel || channel.bufferedAmount <= BUFFERED_MAX)
          return channel;
        channel.bufferedAmountLowThreshold ||= BUFFERED_MAX;
        await new Promise((resolve) => {
          setTimeout(resolve, LOOK_MS);
          channel.addEventListener("bufferedamountlow", resolve, { once: true });
        });
      }
    }
  };
  function give(channel, data) {
    try {
      channel.send(data);
      return true;
    } catch {
      return false;
    }
  }

  // src/stats.ts
  var FAIR = { rttMs: 200, lossRatio: 0.03 };
  var POOR = { rttMs: 450, lossRatio: 0.1 };
  var Meter = class {
    last;
    async read(connection) {
      const report = await connection.getStats();
      const pair = selectedPair(report);
      const figures = { relayed: isRelayed(report, pair), quality: "unknown" };
      const now = {
        at: performance.now(),
        bytesIn: pair?.bytesReceived ?? 0,
        bytesOut: pair?.bytesSent ?? 0,
        received: 0,
        lost: 0
      };
      report.forEach((entry) => {
        if (entry.type !== "inbound-rtp")
          return;
        now.received += entry.packetsReceived ?? 0;
        now.lost += entry.packetsLost ?? 0;
        if (typeof entry.jitter === "number") {
          figures.jitterMs = Math.max(figures.jitterMs ?? 0, Math.round(entry.jitter * 1e3));
        }
      });
      figures.packetsReceived = now.received;
      figures.packetsLost = now.lost;
      if (pair?.currentRoundTripTime !== void 0) {
        figures.rttMs = Math.round(pair.currentRoundTripTime * 1e3);
      }
      if (this.last)
        compare(this.last, now, figures);
      this.last = now;
      figures.quality = pair ? quality(figures) : "unknown";
      return figures;
    }
  };
  function compare(last, now, figures) {
    const ms = now.at - last.at;
    if (ms <= 0)
      return;
    figures.bitrateInKbps = Math.max(0, Math.round((now.bytesIn - last.bytesIn) * 8 / ms));
    figures.bitrateOutKbps = Math.max(0, Math.round((now.bytesOut - last.bytesOut) * 8 / ms));
    const lost2 = Math.max(0, now.lost - last.lost);
    const all = lost2 + Math.max(0, now.received - last.received);
    if (all > 0)
      figures.lossRatio = lost2 / all;
  }
  function quality({ rttMs, lossRatio }) {
    if (rttMs === void 0)
      return "unknown";
    const loss = lossRatio ?? 0;
    if (rttMs > POOR.rttMs || loss > POOR.lossRatio)
      return "poor";
    return rttMs > FAIR.rttMs || loss > FAIR.lossRatio ? "fair" : "good";
  }
  function selectedPair(report) {
    let pair;
    report.forEach((entry) => {
      if (entry.type === "transport" && entry.selectedCandidatePairId) {
        pair = report.get(entry.selectedCandidatePairId) ?? pair;
      }
    });
    if (pair)
      return pair;
    report.forEach((entry) => {
      if (entry.type === "candidate-pair" && (entry.selected || entry.nominated))
        pair ??= entry;
    });
    return pair;
  }
  function isRelayed(report, pair) {
    return ["localCandidateId", "remoteCandidateId"].some(
      (name) => report.get(pair?.[name])?.candidateType === "relay"
    );
  }

  // src/peer.ts
  var CHANNEL = "usher";
  var DISCONNECTED_MS = 4e3;
  var RESTART_EVERY_MS = 8e3;
  var MESSAGE_MAX = 65536;
  var Peer = class {
    constructor(setup, isOfferer, delegate) {
      this.delegate = delegate;
      const { connectionId, peerId, name } = setup;
      this.key = setup.key;
      this.polite = setup.polite;
      this.link = setup.link;
      this.info = {
        connectionId,
        peerId,
        name,
        state: "new",
        sendChannel: null,
        receiveChannel: null,
        streams: []
      };
      this.connection = connect(setup.configuration, (err) => this.report(err));
      try {
        this.listen();
        this.addTracks(setup, isOfferer);
        if (isOfferer)
          this.openSendChannel();
      } catch (err) {
        this.close();
        throw err;
      }
    }
    key;
    connection;
    info;
    polite;
    link;
    /** Whether an offer or answer of the other page has been applied. */
    hasHeard = false;
    isClosed = false;
    isMakingOffer = false;
    isIgnoringOffer = false;
    isSettingAnswer = false;
    hasOffered = false;
    meter = new Meter();
    queue = new SendQueue(() => this.openChannel);
    tracks = [];
    early = [];
    last = Promise.resolve();
    /** Of a shared screen's sound. */
    sound;
    restartTimer;
    get isClassic() {
      return this.link === void 0;
    }
    becomeClassic() {
      this.link = void 0;
    }
    addTracks(setup, isOfferer) {
      const stream = setup.stream;
      for (const track of stream?.getTracks() ?? [])
        this.connection.addTrack(track, stream);
      for (const kind of isOfferer ? setup.receive : []) {
        const isThere = stream?.getTracks().some((track) => track.kind === kind);
        if (!isThere)
          this.connection.addTransceiver(kind, { direction: "recvonly" });
      }
      if (stream)
        this.sendSound(stream);
    }
    listen() {
      const connection = this.connection;
      connection.onnegotiationneeded = () => void this.offer();
      connection.onicecandidate = ({ candidate }) => this.say({ type: "ice_candidate", ice: candidate ? candidate.toJSON() : null });
      connection.onconnectionstatechange = () => this.onState();
      connection.ondatachannel = ({ channel }) => this.receive(channel);
      connection.ontrack = (event) => this.onTrack(event);
    }
    say(message) {
      if (!this.isClosed)
        this.delegate.say(this, { ...message, link: this.link });
    }
    report(err) {
      if (!this.isClosed)
        this.delegate.onProblem(this.info, err);
    }
    // Negotiation
    async offer() {
      if (this.isClosed || this.isClassic && (this.hasOffered || this.hasHeard))
        return;
      this.isMakingOffer = true;
      try {
        await this.connection.setLocalDescription();
        const offer = this.connection.localDescription;
        if (this.connection.signalingState !== "have-local-offer" || !offer)
          return;
        this.say({ type: "offer", offer: offer.toJSON(), again: this.hasHeard });
        this.hasOffered = true;
      } catch (err) {
        this.report(err);
      } finally {
        this.isMakingOffer = false;
      }
    }
    /** Whether our own first offer is under way and nothing was heard yet. */
    get isOffering() {
      return !this.hasHeard && (this.hasOffered || this.isMakingOffer);
    }
    /** Whether an offer comes from the page that is at the other end already. */
    isOfSamePage(offer) {
      const known = fingerprint(this.connection.remoteDescription);
      return known !== void 0 && known === fingerprint(offer);
    }
    /** Its page is back in the room, under another connection id: what was said between is lost. */
    goOn() {
      for (const event of this.tracks)
        this.delegate.onTrack(this, event);
      const offer = this.connection.localDescription;
      if (offer && this.connection.signalingState === "have-local-offer") {
        this.say({ type: "offer", offer: offer.toJSON(), again: this.hasHeard });
      }
    }
    /** Takes a message of the other page. One after another, since each may wait. */
    take(message) {
      this.last = this.last.then(() => this.handle(message)).catch((err) => {
        this.report(err);
        if (message.offer)
          this.say({ type: "usher.negotiation_failed" });
      });
      return this.last;
    }
    async handle(message) {
      if (this.isClosed)
        return;
      if (message.type === "ice_candidate")
        return this.addCandidate(message.ice ?? null);
      const description = message.offer ?? message.answer;
      if (description)
        await this.describe(description);
    }
    async describe(description) {
      const connection = this.connection;
      const isOffer = description.type === "offer";
      const isReady = !this.isMakingOffer && (connection.signalingState === "stable" || this.isSettingAnswer);
      this.isIgnoringOffer = isOffer && !isReady && !this.polite;
      if (this.isIgnoringOffer)
        return;
      this.isSettingAnswer = !isOffer;
      try {
        await connection.setRemoteDescription(description);
      } finally {
        this.isSettingAnswer = false;
      }
      this.hasHeard = true;
      for (const candidate of this.early.splice(0))
        await this.addCandidate(candidate);
      if (!isOffer)
        return;
      if (!this.info.sendChannel && description.sdp?.includes("m=application")) {
        this.openSendChannel();
      }
      await connection.setLocalDescription();
      const answer = connection.localDescription;
      if (answer)
        this.say({ type: "answer", answer: answer.toJSON() });
    }
    async addCandidate(candidate) {
      if (!this.connection.remoteDescription) {
        this.early.push(candidate);
        return;
      }
      try {
        await (candidate ? this.connection.addIceCandidate(candidate) : this.connection.addIceCandidate());
      } catch (err) {
        if (!this.isIgnoringOffer)
          throw err;
      }
    }
    // The path
    onState() {
      const state = this.connection.connectionState;
      this.info.state = state;
      clearTimeout(this.restartTimer);
      this.restartTimer = void 0;
      if (state === "disconnected")
        this.restartLater(DISCONNECTED_MS);
      if (state === "failed")
        this.restartLater(0);
      this.delegate.onState(this);
    }
    /** Looks for another path, and again until there is one or the peer is gone. */
    restartLater(delayMs) {
      if (this.isClassic)
        return;
      this.restartTimer = setTimeout(() => {
        this.restartIce();
        this.restartLater(RESTART_EVERY_MS);
      }, delayMs);
    }
    restartIce() {
      if (!this.isClosed)
        this.connection.restartIce();
    }
    configure(iceServers) {
      if (this.isClosed)
        return;
      try {
        configure(this.connection, iceServers);
      } catch (err) {
        this.report(err);
      }
    }
    // Data
    openSendChannel() {
      const channel = this.connection.createDataChannel(CHANNEL);
      channel.binaryType = "arraybuffer";
      this.info.sendChannel = channel;
      channel.onopen = () => this.delegate.onSendChannel(this, channel);
      channel.addEventListener("message", ({ data }) => this.delegate.onMessage(this, data));
    }
    /** What is open towards the peer: our own channel, or else the one it has made. */
    get openChannel() {
      return [this.info.sendChannel, this.info.receiveChannel].find((channel) => channel?.readyState === "open") ?? void 0;
    }
    /** @throws TypeError for what cannot be sent. */
    check(data) {
      checkData(data, this.openChannel ? this.connection.sctp?.maxMessageSize ?? MESSAGE_MAX : void 0);
    }
    /** Whether the browser has taken it all. */
    sendData(data) {
      return this.queue.push(data);
    }
    receive(channel) {
      if (!this.info.receiveChannel || channel.label === CHANNEL) {
        this.info.receiveChannel = channel;
        channel.binaryType = "arraybuffer";
        channel.addEventListener("message", ({ data }) => this.delegate.onMessage(this, data));
      }
      const opened2 = () => this.delegate.onReceiveChannel(this, channel);
      if (channel.readyState === "open")
        opened2();
      else
        channel.addEventListener("open", opened2, { once: true });
    }
    // Media
    onTrack(event) {
      for (const stream of event.streams) {
        if (!this.info.streams.includes(stream))
          this.info.streams.push(stream);
        stream.onremovetrack = ({ track }) => {
          if (!stream.getTracks().length) {
            this.info.streams = this.info.streams.filter((one) => one !== stream);
          }
          this.tracks = this.tracks.filter((one) => one.track !== track);
          this.delegate.onTrackRemoved(this, track);
        };
      }
      this.tracks = [...this.tracks.filter((one) => one.track !== event.track), event];
      this.delegate.onTrack(this, event);
    }
    /** Sends these tracks and no others from now on, without a new offer where that can be. */
    async send(stream) {
      if (this.isClosed)
        return;
      try {
        await this.sendTracks(stream);
      } catch (err) {
        this.report(err);
      }
    }
    async sendTracks(stream) {
      this.sendSound(stream);
      for (const kind of ["audio", "video"]) {
        const track = stream.getTracks().find((one) => one.kind === kind) ?? null;
        const transceiver = this.transceiver(kind);
        if (transceiver) {
          await transceiver.sender.replaceTrack(track);
          if (!track || transceiver.direction.includes("send") || this.isClassic)
            continue;
          transceiver.sender.setStreams?.(stream);
          transceiver.direction = "sendrecv";
        } else if (track && !this.isClassic) {
          this.connection.addTrack(track, stream);
        }
      }
    }
    transceiver(kind) {
      return this.connection.getTransceivers().find((one) => one !== this.sound && one.receiver.track.kind === kind && one.currentDirection !== "stopped");
    }
    /** A shared screen's sound, beside the microphone's. Classic clients take no further offer. */
    sendSound(stream) {
      if (this.isClassic)
        return;
      const sound = soundOf.get(stream) ?? null;
      if (this.sound) {
        void this.sound.sender.replaceTrack(sound).catch(() => void 0);
        this.sound.direction = sound ? "sendrecv" : "recvonly";
      } else if (sound) {
        this.sound = this.connection.addTransceiver(sound, { streams: [stream] });
      }
    }
    close() {
      if (this.isClosed)
        return;
      this.isClosed = true;
      clearTimeout(this.restartTimer);
      const connection = this.connection;
      connection.onnegotiationneeded = connection.onicecandidate = null;
      connection.onconnectionstatechange = connection.ondatachannel = connection.ontrack = null;
      connection.close();
      this.info.state = "closed";
    }
  };
  function fingerprint(description) {
    return String(description?.sdp).match(/^a=fingerprint:(.*)$/m)?.[1];
  }

  // src/mesh.ts
  var textOf = (value) => typeof value === "string" ? value : void 0;
  var Mesh = class {
    constructor(delegate) {
      this.delegate = delegate;
      this.peerDelegate = {
        ...delegate,
        onState: (peer) => {
          this.dispatch({ type: "status", key: peer.key, status: peer.info.state });
          this.list();
          delegate.onState(peer);
        }
      };
    }
    /** By connection id, for the application; by peer id as well, where that is nobody's else. */
    peerConnections = {};
    peerInfo = {};
    peers = /* @__PURE__ */ new Map();
    timers = /* @__PURE__ */ new Map();
    peerDelegate;
    state = EMPTY;
    isClosed = false;
    /** Oldest first; with those whose pages are on their way back. */
    get all() {
      return [...this.peers.values()];
    }
    /** Oldest first, and last those whose pages are not in the room: all, or the broken ones. */
    sorted(isBrokenAlone) {
      const isLast = ({ key, info }) => this.state.links.get(key)?.isOrphan && !(isBrokenAlone && info.state === "connected") ? 1 : 0;
      return this.all.sort((one, other) => isLast(one) - isLast(other));
    }
    /** By connection id, or else the oldest of those who claim this peer id. */
    find(id) {
      return this.sorted(false).find((peer) => peer.info.connectionId === id) ?? this.sorted(true).find((peer) => peer.info.peerId === id);
    }
    // Who is there
    /** Somebody came after us. */
    welcome({ connectionId, peerId, name }) {
      this.dispatch({ type: "joined", person: { connectionId, peerId, name, polite: false } });
    }
    /**
     * Somebody was there before us, and makes the first offer; unless we `begin`: after a reload
     * nobody was told that our connections are gone.
     */
    meet({ connectionId, peerId, name, polite }, begins) {
      this.dispatch({ type: "there", person: { connectionId, peerId, name, polite }, begins });
    }
    leave(connectionId) {
      this.dispatch({ type: "left", connectionId });
    }
    /** The room is entered anew: who is not there yet may come back. */
    uproot() {
      this.dispatch({ type: "fresh" });
    }
    remove(peer) {
      this.dispatch({ type: "gone", key: peer.key });
    }
    /** Takes a payload of another page; false where it is none of the mesh's. */
    take(type, data) {
      if (!isKind(type))
        return false;
      const message = { ...data, type };
      const from = String(data.connectionId);
      const peer = this.peers.get(linkWith(this.state, from)?.key ?? 0);
      const { proofs } = data;
      this.dispatch({
        type: "said",
        from,
        kind: type === "offer" && message.again ? "again" : type,
        link: textOf(data.link),
        proofs: Array.isArray(proofs) ? proofs : [],
        peerId: textOf(data.offererId) ?? from,
        name: textOf(data.name) ?? null,
        facts: peer && {
          hasHeard: peer.hasHeard,
          isOffering: peer.isOffering,
          isSamePage: peer.isOfSamePage(message.offer)
        }
      }, message);
      return true;
    }
    // What is decided
    dispatch(event, message) {
      const { state, effects } = transition2(this.state, {
        ...event,
        id: randomID(),
        own: this.delegate.connectionId()
      });
      this.state = state;
      for (const effect of effects)
        if (!this.isClosed)
          this.carryOut(effect, message);
    }
    carryOut(effect, message) {
      switch (effect.do) {
        case "begin":
          return this.begin(effect.link, effect.isOfferer);
        case "take":
          void this.peers.get(effect.key)?.take(message);
          return;
        case "move":
          return this.move(effect.link);
        case "classic":
          this.peers.get(effect.key)?.becomeClassic();
          return;
        case "close":
          return this.end(effect.key);
        case "tell":
          return this.delegate.tell(effect.to, effect.payload);
        case "problem": {
          const err = new Error("The other page could not set the connection up");
          return this.delegate.onProblem(effect.person, err);
        }
        case "wait":
          return this.wait(effect.timer, effect.ms, effect.then);
        case "unwait":
          return this.unwait(effect.timer);
      }
    }
    begin({ key, person, name: link }, isOfferer) {
      let peer;
      try {
        peer = new Peer({
          ...person,
          key,
          link,
          configuration: this.delegate.configuration(),
          stream: this.delegate.stream(),
          receive: this.delegate.receive()
        }, isOfferer, this.peerDelegate);
      } catch (err) {
        this.dispatch({ type: "gone", key });
        this.delegate.tell(person.connectionId, { type: "usher.negotiation_failed", link });
        return this.delegate.onProblem(person, err);
      }
      this.peers.set(key, peer);
      this.list();
      this.delegate.onCount(peer);
    }
    move({ key, person }) {
      const peer = this.peers.get(key);
      if (!peer)
        return;
      const { connectionId, peerId, name, polite } = person;
      Object.assign(peer.info, { connectionId, peerId, name: name ?? peer.info.name });
      peer.polite = polite;
      this.list();
      this.delegate.onCount(peer);
      peer.goOn();
    }
    end(key) {
      const peer = this.peers.get(key);
      if (!peer)
        return;
      this.peers.delete(key);
      peer.close();
      this.list();
      this.delegate.onCount(peer);
    }
    wait(timer, ms, then) {
      this.timers.set(timer, setTimeout(() => {
        this.timers.delete(timer);
        this.dispatch(then);
      }, ms));
    }
    unwait(timer) {
      clearTimeout(this.timers.get(timer));
      this.timers.delete(timer);
    }
    /** Connection ids go before peer ids, and who had a peer id first keeps it. */
    list() {
      const { peerConnections, peerInfo } = this;
      for (const id of Object.getOwnPropertyNames(peerInfo)) {
        delete peerConnections[id];
        delete peerInfo[id];
      }
      const put = (id, { connection, info }, enumerable) => {
        if (Object.prototype.hasOwnProperty.call(peerInfo, id))
          return;
        const how = { configurable: true, enumerable };
        Object.defineProperty(peerConnections, id, { ...how, value: connection });
        Object.defineProperty(peerInfo, id, { ...how, value: info });
      };
      for (const peer of this.sorted(false))
        put(peer.info.connectionId, peer, true);
      for (const peer of this.sorted(true))
        put(peer.info.peerId, peer, false);
    }
    close() {
      for (const timer of [...this.timers.keys()])
        this.unwait(timer);
      this.isClosed = true;
      const peers = this.all;
      this.peers.clear();
      this.list();
      for (const peer of peers)
        peer.close();
    }
  };

  // src/name.ts
  var HALVES = /\p{Cs}/gu;
  function nameOf2(name) {
    return name?.replace(HALVES, "�") ?? null;
  }
  function joiningName(name, dialect) {
    return nameOf2(name) || (dialect === "v1" ? "Guest" : "");
  }

  // src/playback.ts
  var Playback = class {
    /**
     * @param streams What peers send.
     * @param onBlocked Something is not played; once until all of it is.
     */
    constructor(streams, onBlocked) {
      this.streams = streams;
      this.onBlocked = onBlocked;
    }
    /** What the application, or the client, has handed over. */
    attached = /* @__PURE__ */ new Set();
    blocked = /* @__PURE__ */ new Set();
    isTold = false;
    /** Plays a stream in an element; `null` ends that. @returns whether it plays. */
    attach(el, stream) {
      if (el.srcObject !== stream)
        el.srcObject = stream;
      if (!stream) {
        this.attached.delete(el);
        this.blocked.delete(el);
        return Promise.resolve(false);
      }
      this.attached.add(el);
      el.playsInline = true;
      return this.play(el);
    }
    async play(el) {
      try {
        await el.play();
        this.blocked.delete(el);
        return true;
      } catch (err) {
        if (err.name === "NotAllowedError") {
          this.blocked.add(el);
          this.tell();
        }
        return false;
      }
    }
    tell() {
      if (this.isTold)
        return;
      this.isTold = true;
      this.onBlocked();
    }
    /** A peer's track came: listeners have put it into elements of the page, which may be blocked. */
    watch(track) {
      const look = () => void this.look();
      setTimeout(look);
      track.addEventListener("unmute", look, { once: true });
    }
    /** Of elements in the document, those that want to play and do not. */
    look() {
      const streams = this.streams();
      const all = globalThis.document?.querySelectorAll("audio, video");
      for (const el of all ?? []) {
        const isOurs = streams.includes(el.srcObject);
        if (isOurs && el.autoplay && el.paused)
          void this.play(el);
      }
    }
    /** To be called in a click or key press. @returns whether everything plays. */
    async start() {
      const all = [.../* @__PURE__ */ new Set([...this.blocked, ...this.attached])].filter((el) => el.paused && el.srcObject?.active);
      this.blocked.clear();
      const plays = await Promise.all(all.map((el) => this.play(el)));
      this.isTold = this.blocked.size > 0;
      return plays.every(Boolean);
    }
  };

  // src/ice.ts
  var RENEW_AT = 0.2;
  var RETRY_MS = 3e4;
  var TIMER_MAX_MS = 2147483647;
  var IceServers = class {
    constructor(address, getToken, options, onChange) {
      this.address = address;
      this.getToken = getToken;
      this.options = options;
      this.onChange = onChange;
    }
    learnt = [];
    timer;
    isClosed = false;
    get servers() {
      return [...this.options.iceServers ?? [], ...this.learnt];
    }
    learn(welcome) {
      this.take(welcome.iceServers, welcome.iceServersExpireAt, welcome.serverTime);
    }
    /** Times are the server's, in seconds: this computer's clock may be wrong. */
    take(servers, expiresAt, now) {
      this.learnt = servers;
      this.onChange(this.servers);
      clearTimeout(this.timer);
      if (expiresAt === void 0 || this.isClosed)
        return;
      const ms = Math.max(1, expiresAt - now) * 1e3 * (1 - RENEW_AT);
      this.timer = setTimeout(() => void this.renew(), Math.min(ms, TIMER_MAX_MS));
    }
    async renew() {
      try {
        const token = await this.getToken();
        const answer = await fetch(this.address.route("/ice-servers"), {
          headers: { Authorization: `Bearer ${token}` },
          credentials: "omit",
          cache: "no-store"
        });
        if (!answer.ok)
          throw new Error(`status ${answer.status}`);
        const { iceServers, expiresAt } = await answer.json();
        const now = Date.parse(answer.headers.get("Date") ?? "") / 1e3 || Date.now() / 1e3;
        if (!this.isClosed)
          this.take(iceServers, expiresAt, now);
      } catch {
        if (!this.isClosed)
          this.timer = setTimeout(() => void this.renew(), RETRY_MS);
      }
    }
    close() {
      this.isClosed = true;
      clearTimeout(this.timer);
    }
  };

  // src/options.ts
  var BYTES_MAX = 256;
  function bytesOf(text2) {
    try {
      return encodeURIComponent(text2).replace(/%../g, "-").length;
    } catch {
      return NaN;
    }
  }
  var isObject = (value) => typeof value === "object" && value !== null;
  var oneOf = (...words) => [(value) => words.includes(value), words.join(" or ")];
  var text = (least) => [
    (value) => typeof value === "string" && bytesOf(value) >= least && bytesOf(value) <= BYTES_MAX,
    `a text of ${least} to ${BYTES_MAX} bytes of UTF-8`
  ];
  var isUrls = (urls) => [urls].flat().every((one) => typeof one === "string");
  var device = [
    (value) => typeof value === "boolean" || isObject(value),
    "true, false or constraints"
  ];
  var rules = {
    sessionId: text(1),
    name: text(0),
    clientId: text(1),
    id: text(1),
    getToken: [
      (value) => typeof value === "function",
      "a function that gives a token, or a promise of one"
    ],
    video: [isObject, "an object: for camera and microphone write { audio: true, video: true }"],
    signallingServer: [
      (value) => typeof value === "string" || value instanceof URL,
      "a ws:, wss:, http: or https: URL"
    ],
    stream: [(value) => typeof value.getTracks === "function", "a MediaStream"],
    iceServers: [
      (value) => Array.isArray(value) && value.every((one) => isUrls(one?.urls)),
      "an array of objects like { urls: 'stun:stun.example' }"
    ],
    iceTransportPolicy: oneOf("all", "relay"),
    keepSession: [
      (value) => typeof value === "boolean" || typeof value === "string" && value !== "",
      "true, false or a name"
    ],
    dialect: oneOf("auto", "v1", "classic"),
    joinWithoutMediaAfterMs: [
      (value) => typeof value === "number" && value >= 0,
      "a number of milliseconds, or Infinity"
    ]
  };
  var videoRules = {
    el: [isObject, "a video element"],
    audio: device,
    video: device
  };
  function checkOptions(options) {
    if (!isObject(options))
      throw new TypeError("options must be an object: { sessionId: 'a room' }");
    if (options.sessionId == null)
      throw new TypeError("sessionId must be given: the name of a room");
    check(options, rules);
    check(options.video ?? {}, videoRules, "video.");
  }
  function check(options, table, prefix = "") {
    for (const [name, value] of Object.entries(options)) {
      const names = Object.keys(table);
      if (!names.includes(name)) {
        throw new TypeError(`There is no option ${prefix}${name}, but ${names.join(", ")}`);
      }
      const [isRight, what2] = table[name];
      if (value != null && !isRight(value))
        throw new TypeError(`${prefix}${name} must be ${what2}`);
    }
  }
  function checkPlatform() {
    if (typeof RTCPeerConnection === "function")
      return;
    throw new TypeError("There is no WebRTC here (no RTCPeerConnection): use a browser, or set the globals of a WebRTC package first (registerGlobals() of react-native-webrtc)");
  }

  // src/ready.ts
  var Ready = class {
    resolve;
    refuse;
    promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.refuse = reject;
    });
    constructor() {
      this.promise.catch(() => void 0);
    }
    reject(code, message) {
      this.refuse(Object.assign(new Error(message), { code }));
    }
  };

  // src/backoff.ts
  function backoff(attempt, minMs, mostMs = 6e4) {
    const most = Math.min(mostMs, 2e3 * 2 ** Math.min(attempt - 1, 10));
    return minMs + Math.random() * Math.max(0, most - minMs);
  }

  // src/liveness.ts
  var LIVENESS_MS = 45e3;
  var PONG_MS = 5e3;
  var Liveness = class {
    /**
     * @param ping Asks the other side for a sign of life; false where there is nobody to ask.
     * @param onSilence Nothing came back.
     */
    constructor(ping2, onSilence) {
      this.ping = ping2;
      this.onSilence = onSilence;
    }
    heardAt = 0;
    pongTimer;
    interval = setInterval(() => {
      if (Date.now() - this.heardAt > LIVENESS_MS)
        this.check();
    }, LIVENESS_MS / 3);
    heard() {
      this.heardAt = Date.now();
      this.forgetPing();
    }
    check() {
      if (this.pongTimer !== void 0 || !this.ping())
        return;
      this.pongTimer = setTimeout(this.onSilence, PONG_MS);
    }
    forgetPing() {
      clearTimeout(this.pongTimer);
      this.pongTimer = void 0;
    }
    stop() {
      this.forgetPing();
      clearInterval(this.interval);
    }
  };

  // src/probe.ts
  var PATIENCE_MS = 5e3;
  async function check2(address, form) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
    try {
      const body = new URLSearchParams();
      for (const [name, value] of Object.entries(form))
        if (value)
          body.set(name, value);
      const answer = await fetch(address.route("/signal/check"), {
        method: "POST",
        body,
        credentials: "omit",
        cache: "no-store",
        signal: stop.signal
      });
      const { status } = answer;
      const said = status === 204 ? {} : await answer.json();
      if (status < 300)
        return {};
      return [404, 405, 426].includes(status) || !/^[a-z_]{1,64}$/.test(said.error) ? void 0 : { error: said.error, description: said.error_description };
    } catch {
      return void 0;
    } finally {
      clearTimeout(timer);
    }
  }

  // src/token.ts
  var TokenError = class extends Error {
    constructor(code, message, final) {
      super(message);
      this.code = code;
      this.final = final;
    }
  };
  function tidy(token) {
    const text2 = typeof token === "string" ? token.trim() : "";
    if (/^[!-~]+$/.test(text2) && !/^[<{["]/.test(text2))
      return text2;
    if (!token)
      throw new TokenError("token_unavailable", "getToken gave no token");
    throw new TokenError("token_malformed", `getToken gave ${what(text2) || typeof token}, no token`);
  }
  function what(text2) {
    return /^\s*<(!doctype|html|head|body)/i.test(text2) ? "an HTML page" : /^\s*[{[]/.test(text2) ? "JSON" : text2 && "a text";
  }
  function isOwn(token) {
    try {
      const [head = ""] = token.split(".");
      const { typ } = JSON.parse(atob(head.replace(/-/g, "+").replace(/_/g, "/")));
      return /^(application\/)?at\+jwt$/i.test(typ);
    } catch {
      return false;
    }
  }
  function sessionToken(address, room, clientId) {
    return async () => {
      const form = new URLSearchParams();
      if (!/\s/.test(room))
        form.set("rooms", room);
      if (clientId !== void 0)
        form.set("client_id", clientId);
      const answer = await fetch(address.route("/session/token"), {
        method: "POST",
        body: form,
        credentials: "include",
        cache: "no-store"
      }).catch(() => {
        throw new TokenError(
          "unreachable",
          explain("unreachable", "asked for a token; is this origin registered?")
        );
      });
      const { status } = answer;
      const text2 = await answer.text();
      const body = parse(text2);
      if (answer.ok && body.access_token)
        return body.access_token;
      const code = body.error && CODES[body.error] && status === 403 ? body.error : answer.ok ? "token_malformed" : "token_unavailable";
      throw new TokenError(
        code,
        `${status === 401 ? "There is no session: sign in, or give getToken" : "The session gives no token for this room"} (${body.error_description ?? `${what(text2) || "nothing"}, status ${status}`})`,
        [400, 401, 403, 404].includes(status)
      );
    };
  }
  function parse(text2) {
    try {
      return Object(JSON.parse(text2));
    } catch {
      return {};
    }
  }

  // src/socket-state.ts
  var GRACE_MS = 3e4;
  var RESUMABLE_MS = 25e3;
  var RESUMABLE_WAIT_MS = 4e3;
  var REJOIN_MS = 3e3;
  var LOST = 1006;
  function initial(wanted) {
    return {
      phase: "idle",
      wanted,
      dialect: wanted === "classic" ? "classic" : "v1",
      isSettled: wanted !== "auto",
      isDoubtful: false,
      hasOwnToken: false,
      hasOpened: false,
      attempt: 0,
      told: void 0,
      session: void 0,
      seq: 0,
      welcome: void 0,
      freshSeq: 0,
      replayEnd: 0,
      outbox: [],
      acks: 0,
      lostAt: 0,
      drainMs: void 0,
      isRefreshing: false,
      refreshAttempt: 0,
      takenSince: void 0,
      now: 0
    };
  }
  function clientState({ phase, hasOpened }) {
    switch (phase) {
      case "idle":
      case "closed":
        return phase;
      case "open":
      case "replaying":
        return "open";
      default:
        return hasOpened ? "reconnecting" : "connecting";
    }
  }
  function transition3(state, event) {
    const handler = TABLE[state.phase][event.type];
    return handler ? handler({ ...state, now: event.now }, event) : { state, effects: [] };
  }
  var to = (state, changes, ...effects) => ({ state: { ...state, ...changes }, effects });
  var tell = (name, what2) => ({ do: "tell", name, what: what2 });
  var askToken = (state, changes = {}, ...before) => to(state, { ...changes, phase: "token" }, ...before, { do: "getToken" });
  function open(state, { token }) {
    const hasOwnToken = isOwn(token);
    const isTrial = state.isDoubtful && !hasOwnToken;
    const dialect = state.isSettled ? state.dialect : isTrial ? "classic" : "v1";
    return to(
      state,
      { phase: "opening", dialect, hasOwnToken, isDoubtful: false },
      { do: "open", dialect, token }
    );
  }
  function noToken(state, { code, message, final, err }) {
    const problem = { code, message, final: final ?? isFinal(code, state.hasOpened), err };
    return problem.final ? fail(state, problem) : retry(state, problem);
  }
  function opened(state, { protocol }) {
    if (state.dialect === "v1" && protocol !== "usher.v1")
      return another(state);
    if (!state.isSettled && state.dialect === "classic") {
      return to(state, { phase: "trial" }, { do: "check" });
    }
    if (state.dialect === "classic")
      return classic(state);
    const settled = { isSettled: true, freshSeq: 0, welcome: void 0 };
    const { session, seq } = state;
    return session === void 0 ? to(state, { ...settled, phase: "greeting" }, tell("onOpen", "v1")) : to(
      state,
      { ...settled, phase: "resuming" },
      tell("onOpen", "v1"),
      { do: "write", message: { action: "resume", session, seq } }
    );
  }
  function another(state) {
    return state.isSettled || state.hasOwnToken ? fail(state, problemOf(state, "protocol_error", "the server does not speak usher.v1")) : askToken(state, { dialect: "classic", isSettled: true }, { do: "drop" });
  }
  function classic(state) {
    return ready(
      state,
      { isSettled: true, session: void 0, seq: 0 },
      tell("onOpen", "classic"),
      tell("onFresh", void 0)
    );
  }
  var tried = (state, { answer }) => answer ? askToken(state, { isSettled: true, dialect: "v1" }, { do: "drop" }) : classic(state);
  function unopened(state) {
    return state.dialect === "v1" || state.hasOwnToken ? to(state, { phase: "checking" }, { do: "drop" }, { do: "check" }) : retry(state, problemOf(state, "unreachable"));
  }
  function checked(state, { answer }) {
    const next = answer && state.wanted === "auto" ? { ...state, isSettled: true, dialect: "v1" } : { ...state, isDoubtful: !state.isSettled && state.dialect === "v1" };
    const problem = answer?.error ? problemOf(next, answer.error, answer.description) : problemOf(next, "unreachable", answer && "it answers, but the socket does not get through: does a proxy pass WebSockets?");
    return problem.final ? fail(next, problem) : retry(next, problem);
  }
  var blocked = (state) => fail(state, problemOf(state, "blocked_by_page"));
  function ready(state, changes, ...effects) {
    return to(state, {
      phase: "open",
      hasOpened: true,
      attempt: 0,
      told: void 0,
      outbox: [],
      ...changes
    }, ...effects);
  }
  function fresh(state, welcome, seq) {
    return ready(
      state,
      { welcome, session: welcome?.session, seq },
      tell("onFresh", welcome)
    );
  }
  function problemOf(state, code, said) {
    return { code, message: explain(code, said), final: isFinal(code, state.hasOpened) };
  }
  function retry(state, problem, ...before) {
    const attempt = state.attempt + 1;
    const isResumable = state.session !== void 0 && state.now - state.lostAt < RESUMABLE_MS;
    const isNew = problem && problem.code !== state.told;
    return to(state, {
      phase: "waiting",
      attempt,
      drainMs: void 0,
      isRefreshing: false,
      refreshAttempt: 0,
      told: problem ? problem.code : state.told
    }, { do: "drop" }, ...before, ...isNew ? [tell("onProblem", problem)] : [], {
      do: "retry",
      attempt,
      minMs: state.dialect === "classic" ? 2e3 : 100,
      mostMs: isResumable ? RESUMABLE_WAIT_MS : void 0,
      drainMs: attempt === 1 ? state.drainMs : void 0
    });
  }
  function lost(state, { code: closeCode, reason }) {
    const code = codeOfClose(closeCode);
    const problem = code && { ...problemOf(state, code, reason || `close code ${closeCode}`), closeCode, reason };
    const willReconnect = !isFinalClose(closeCode);
    const closed = { code: closeCode, reason, willReconnect };
    if (problem && !willReconnect)
      return fail(state, problem, tell("onClosed", closed));
    return retry({ ...state, lostAt: state.now }, problem, tell("onClosed", closed));
  }
  var close = (state) => to(
    state,
    { phase: "closed", session: void 0, seq: 0, outbox: [], welcome: void 0 },
    { do: "end" }
  );
  function fail(state, problem, ...before) {
    const step = close(state);
    return to(
      step.state,
      {},
      ...step.effects,
      ...before,
      tell("onProblem", { ...problem, final: true })
    );
  }
  var writes = (messages) => messages.map((message) => ({ do: "write", message }));
  function say(state, { message }) {
    if (state.dialect === "classic" && state.phase === "open") {
      return to(state, {}, { do: "write", message });
    }
    if (state.session === void 0)
      return to(state, {});
    const acks = state.acks + 1;
    const whole = { ...message, ack: acks };
    return to(
      state,
      { acks, outbox: [...state.outbox, whole] },
      ...state.phase === "open" ? writes([whole]) : []
    );
  }
  function flush(step) {
    const { state, effects } = step;
    if (state.phase !== "replaying" || state.seq < state.replayEnd)
      return step;
    return to(state, { phase: "open" }, ...effects, ...writes(state.outbox));
  }
  var isJoin = (message) => message.action === "join-room";
  var rejoin = (state) => to(state, {}, ...writes(state.outbox.filter(isJoin)));
  function greeted(state, { name, data, seq }) {
    if (name !== "welcome")
      return to(state, {});
    const welcome = data;
    const step = fresh(state, welcome, seq ?? 0);
    return { ...step, effects: [tell("onWelcome", welcome), ...step.effects] };
  }
  function resuming(state, { name, data, seq }) {
    const freshSeq = seq ?? state.freshSeq;
    if (name === "welcome") {
      const welcome = data;
      return to(state, { welcome, freshSeq }, tell("onWelcome", welcome));
    }
    if (name === "error" && (data.code === "resume_failed" || data.action === "resume")) {
      return fresh(state, state.welcome, freshSeq);
    }
    if (name !== "resumed")
      return to(state, { freshSeq });
    return flush(ready(state, {
      phase: "replaying",
      outbox: state.outbox,
      session: String(data.session),
      replayEnd: Number(data.seq) || 0
    }, tell("onResumed", String(data.connectionId))));
  }
  function hear(state, { name, data, seq }) {
    const heard = { ...state, seq: seq ?? state.seq };
    switch (name) {
      case "ack":
        return acknowledged(heard, data.ack);
      case "error":
        return refused(heard, data);
      case "token_expiring":
        return refresh({ ...heard, refreshAttempt: 0 });
      case "draining":
        return to(heard, { drainMs: Number(data.reconnectWithinSeconds) * 1e3 || 0 });
      case "welcome":
      case "resumed":
      case "pong":
        return to(heard, {});
      default:
        return to(heard, {}, tell("onEvent", { name, data }));
    }
  }
  var without = (state, ack) => state.outbox.filter((message) => message.ack !== ack);
  function acknowledged(state, ack) {
    const isJoined = state.outbox.some((message) => message.ack === ack && isJoin(message));
    return to(state, {
      outbox: without(state, ack),
      takenSince: isJoined ? void 0 : state.takenSince
    });
  }
  function refused(state, data) {
    const { action, ack } = data;
    const code = String(data.code);
    const said = `${String(action)}: ${String(data.message)}`;
    const left = { outbox: without(state, ack) };
    if (action === "join-room") {
      const takenSince = state.takenSince ?? state.now;
      if (code !== "peer_id_taken" || state.now - takenSince > GRACE_MS) {
        return fail(state, problemOf(state, code, said));
      }
      return to(state, { takenSince }, { do: "wait", for: "rejoin", ms: REJOIN_MS });
    }
    if (code === "unknown_target")
      return to(state, left);
    const problem = { ...problemOf(state, code, said), final: false };
    return action === "refresh-token" ? refreshLater(to(state, left).state, problem) : to(state, left, tell("onProblem", problem));
  }
  var refresh = (state) => state.isRefreshing ? to(state, {}) : to(state, { isRefreshing: true }, { do: "refresh" });
  var refreshed = (state, { token }) => state.isRefreshing ? to(
    state,
    { isRefreshing: false },
    { do: "write", message: { action: "refresh-token", token } }
  ) : to(state, {});
  function refreshLater(state, problem) {
    const refreshAttempt = state.refreshAttempt + 1;
    return to(
      state,
      { refreshAttempt, isRefreshing: false },
      tell("onProblem", problem),
      { do: "wait", for: "refresh", attempt: refreshAttempt }
    );
  }
  var noRefresh = (state, { code, message, err }) => state.isRefreshing ? refreshLater(state, { code, message, final: false, err }) : to(state, {});
  var ping = (state) => to(state, {}, { do: "ping" });
  var again = (state) => askToken(state, {}, { do: "drop" });
  var TABLE = {
    idle: {
      start: (state, { session, seq = 0 }) => askToken(state, { session, seq }),
      close
    },
    token: { token: open, noToken, blocked, say, close },
    opening: { opened, closed: unopened, noToken, blocked, say, close },
    trial: {
      checked: tried,
      closed: (state) => retry(state, problemOf(state, "unreachable")),
      close
    },
    checking: { checked, blocked, say, close },
    greeting: { message: greeted, closed: lost, close },
    resuming: { message: resuming, closed: lost, say, close },
    replaying: {
      message: (state, event) => flush(hear(state, event)),
      closed: lost,
      say,
      refresh,
      refreshed,
      noToken: noRefresh,
      awake: ping,
      close
    },
    open: {
      message: hear,
      closed: lost,
      say,
      rejoin,
      refresh,
      refreshed,
      noToken: noRefresh,
      awake: ping,
      close
    },
    waiting: { retry: again, awake: again, blocked, say, close },
    closed: {}
  };

  // src/socket.ts
  var PATIENCE_MS2 = 2e4;
  var SILENT_MS = 1e3;
  var SignalSocket = class {
    constructor(settings, delegate) {
      this.settings = settings;
      this.delegate = delegate;
      this.now = initial(settings.dialect);
    }
    now;
    socket;
    token = "";
    /** How often a token was asked for: an answer counts only for the last time. */
    asked = 0;
    timers = /* @__PURE__ */ new Map();
    liveness = new Liveness(() => this.ping(), () => this.lose("nothing was heard"));
    events = [];
    effects = [];
    isBusy = false;
    get state() {
      return clientState(this.now);
    }
    get isV1() {
      return this.now.dialect === "v1";
    }
    /** Its secret, as long as it may go on. */
    get session() {
      return this.now.session;
    }
    get seq() {
      return this.now.seq;
    }
    start(kept2) {
      globalThis.addEventListener?.("online", this.onAwake);
      globalThis.document?.addEventListener("visibilitychange", this.onAwake);
      globalThis.document?.addEventListener("securitypolicyviolation", this.onViolation);
      this.take({ type: "start", session: kept2?.session, seq: kept2?.seq });
    }
    say(message) {
      this.take({ type: "say", message });
    }
    /** Ends the session: the others are told at once. */
    close() {
      this.effects.length = 0;
      this.take({ type: "close" });
    }
    /** One event after the other: what a listener does meanwhile comes after what it was told. */
    take(event) {
      this.events.push({ ...event, now: Date.now() });
      if (this.isBusy)
        return;
      this.isBusy = true;
      for (let next = this.events.shift(); next; next = this.events.shift()) {
        const before = this.state;
        const { state, effects } = transition3(this.now, next);
        this.now = state;
        this.effects = [...effects];
        for (let one = this.effects.shift(); one; one = this.effects.shift())
          this.safely(one);
        if (this.state !== before)
          this.delegate.onState(this.state);
      }
      this.isBusy = false;
    }
    safely(effect) {
      try {
        this.perform(effect);
      } catch (err) {
        setTimeout(() => {
          throw err;
        });
      }
    }
    perform(effect) {
      switch (effect.do) {
        case "getToken":
          return this.ask((token) => this.take({ type: "token", token }));
        case "refresh":
          return this.ask((token) => this.take({ type: "refreshed", token }));
        case "open":
          return this.open(effect.dialect, effect.token);
        case "write":
          return this.write(effect.message);
        case "check":
          return void this.check();
        case "ping":
          return this.liveness.check();
        case "drop":
          return this.drop();
        case "end":
          return this.end();
        case "retry":
          return this.retry(effect);
        case "wait":
          return this.wait(
            effect.for,
            effect.ms ?? backoff(effect.attempt ?? 1, 1e3),
            () => this.take({ type: effect.for })
          );
        case "tell": {
          const { name, what: what2 } = effect;
          if (name === "onFresh" || name === "onResumed")
            this.stop("stalled");
          return this.delegate[name](
            name === "onProblem" ? this.withoutToken(what2) : what2
          );
        }
      }
    }
    withoutToken(problem) {
      const { token } = this;
      return token ? { ...problem, message: problem.message.split(token).join("…") } : problem;
    }
    // Timers
    wait(name, ms, then) {
      this.stop(name);
      this.timers.set(name, setTimeout(then, ms));
    }
    stop(name) {
      clearTimeout(this.timers.get(name));
      this.timers.delete(name);
    }
    retry({ attempt, minMs, mostMs, drainMs }) {
      const delayMs = Math.round(drainMs === void 0 ? backoff(attempt, minMs, mostMs) : Math.random() * drainMs);
      this.wait("retry", delayMs, () => this.take({ type: "retry" }));
      this.delegate.onReconnecting(attempt, delayMs);
    }
    // Tokens, and what the server says without a socket
    ask(then) {
      const mine = this.asked += 1;
      const isLast = () => mine === this.asked;
      this.settings.getToken().then((token) => {
        if (!isLast())
          return;
        this.token = token;
        then(token);
      }, (err) => {
        if (isLast())
          this.take({ type: "noToken", err, ...tokenProblem(err) });
      });
    }
    async check() {
      const { address, clientId: client, room } = this.settings;
      const answer = await check2(address, { token: this.token, client, room });
      this.take({ type: "checked", answer });
    }
    // The socket
    open(dialect, token) {
      const { address, clientId: client } = this.settings;
      let socket;
      try {
        socket = dialect === "v1" ? new WebSocket(address.socket({ client }), ["usher.v1", `usher.bearer.${token}`]) : new WebSocket(address.socket({ token, client }));
      } catch (err) {
        if (!(err instanceof DOMException && err.name === "SyntaxError")) {
          return this.take({ type: "blocked" });
        }
        const code = "token_malformed";
        const message = explain(code, "it can stand in no subprotocol");
        return this.take({ type: "noToken", code, message });
      }
      this.socket = socket;
      this.liveness.heard();
      this.wait("stalled", PATIENCE_MS2, () => this.lose("the server did not answer"));
      socket.onopen = () => this.take({ type: "opened", protocol: socket.protocol });
      socket.onmessage = ({ data }) => this.onMessage(data);
      socket.onclose = ({ code, reason }) => this.take({ type: "closed", code, reason });
      socket.onerror = () => this.wait("failed", SILENT_MS, () => this.lose(""));
    }
    onMessage(text2) {
      this.liveness.heard();
      let message;
      try {
        message = JSON.parse(String(text2));
      } catch {
        return;
      }
      const { type: name, data, seq } = Object(message);
      if (typeof name !== "string")
        return;
      this.take({
        type: "message",
        name,
        data: Object(data ?? {}),
        seq: typeof seq === "number" ? seq : void 0
      });
    }
    write(message) {
      if (this.socket?.readyState === WebSocket.OPEN)
        this.socket.send(JSON.stringify(message));
    }
    lose(reason) {
      this.take({ type: "closed", code: LOST, reason });
    }
    drop(code) {
      const { socket } = this;
      this.socket = void 0;
      if (socket) {
        socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
        socket.close(code);
      }
      this.liveness.forgetPing();
      for (const name of [...this.timers.keys()])
        this.stop(name);
    }
    end() {
      this.asked += 1;
      this.drop(1e3);
      this.liveness.stop();
      globalThis.removeEventListener?.("online", this.onAwake);
      globalThis.document?.removeEventListener("visibilitychange", this.onAwake);
      globalThis.document?.removeEventListener("securitypolicyviolation", this.onViolation);
    }
    ping() {
      const isAsked = this.isV1 && this.state === "open";
      if (isAsked)
        this.write({ action: "ping" });
      return isAsked;
    }
    // What the page hears
    onAwake = ({ type }) => {
      if (type === "online" || document.visibilityState === "visible")
        this.take({ type: "awake" });
    };
    onViolation = (event) => {
      const isOfSocket = this.settings.address.isSocket(event.blockedURI);
      if (event.disposition === "enforce" && isOfSocket)
        this.take({ type: "blocked" });
    };
  };
  function tokenProblem(err) {
    if (err instanceof TokenError) {
      return { code: err.code, message: err.message, final: err.final };
    }
    const code = "token_unavailable";
    const said = err instanceof Error ? err.message : String(err);
    return { code, message: explain(code, said) };
  }

  // src/store.ts
  var SessionStore = class {
    key;
    constructor(name) {
      this.key = `usher-session:${name}`;
    }
    take() {
      try {
        const text2 = sessionStorage.getItem(this.key);
        sessionStorage.removeItem(this.key);
        const kept2 = text2 ? JSON.parse(text2) : void 0;
        const isWhole = kept2 && typeof kept2.id === "string" && typeof kept2.session === "string" && typeof kept2.seq === "number";
        return isWhole ? kept2 : void 0;
      } catch {
        return void 0;
      }
    }
    put(kept2) {
      try {
        sessionStorage.setItem(this.key, JSON.stringify(kept2));
      } catch {
      }
    }
  };

  // src/client.ts
  var WebRtcClient = class {
    /** @throws TypeError for an option that cannot be right, by its name, and without WebRTC. */
    constructor(options) {
      this.options = options;
      checkOptions(options);
      checkPlatform();
      this.roomId = options.sessionId;
      this.ready = this.entry.promise;
      const keep = options.keepSession;
      this.store = keep ? new SessionStore(typeof keep === "string" ? keep : options.sessionId) : void 0;
      const kept2 = this.store?.take();
      this.id = options.id ?? kept2?.id ?? randomID();
      const address = new Address(options.signallingServer);
      const source = options.getToken ?? sessionToken(address, options.sessionId, options.clientId);
      const getToken = async () => tidy(await source());
      this.ice = new IceServers(address, getToken, options, (servers) => {
        for (const peer of this.mesh.all)
          peer.configure(servers);
      });
      this.media = new LocalMedia(options.video, options.stream, {
        onStream: () => this.onStream(),
        onNoMedia: (err) => this.emit("noMedia", { err }),
        onProblem: (problem) => this.emit("mediaProblem", problem),
        onScreenShareEnded: () => this.emit("screenShareEnded", {}),
        play: (el) => void this.playback.play(el)
      });
      this.mesh = new Mesh(this.meshDelegate());
      this.peerConnections = this.mesh.peerConnections;
      this.peerInfo = this.mesh.peerInfo;
      this.socket = new SignalSocket({
        address,
        clientId: options.clientId,
        room: options.sessionId,
        getToken,
        dialect: options.dialect ?? "v1"
      }, this.socketDelegate());
      globalThis.addEventListener?.("pagehide", this.onPageHide);
      const isMine = kept2 && kept2.id === this.id;
      this.isResumedPage = Boolean(isMine);
      void Promise.resolve().then(() => this.start(isMine ? kept2 : void 0));
    }
    /** By which other pages know this one. */
    id;
    roomId;
    /** RTCPeerConnections by connection id, and by peer id where no other has it. */
    peerConnections;
    /** What is known of each peer, by connection id, and by peer id where no other has it. */
    peerInfo;
    /** The server's name for this page's connection; undefined until it is connected with v1. */
    connectionId;
    /** undefined until a connection stands. */
    dialect;
    /**
     * Until the client is in its room for the first time. Rejects with an Error that has `code` where
     * it gives up before, or is closed.
     */
    ready;
    entry = new Ready();
    emitter = new Emitter();
    socket;
    mesh;
    media;
    playback = new Playback(
      () => this.mesh.all.flatMap((peer) => peer.info.streams),
      () => this.emit("audioPlaybackBlocked", {})
    );
    ice;
    store;
    isResumedPage = false;
    async start(kept2) {
      await this.media.open(this.options.joinWithoutMediaAfterMs ?? 5e3);
      if (this.state !== "closed" && !this.isClosed)
        this.socket.start(kept2);
    }
    isClosed = false;
    get state() {
      return this.isClosed ? "closed" : this.socket.state;
    }
    /** What is sent: camera or screen, and microphone; undefined while there is nothing. */
    get localStream() {
      return this.media.stream;
    }
    get isSharing() {
      return this.media.isSharing;
    }
    // Events
    addEventListener(type, listener) {
      this.emitter.add(type, listener);
    }
    removeEventListener(type, listener) {
      this.emitter.remove(type, listener);
    }
    emit(type, detail) {
      this.emitter.emit(type, detail);
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
      const peer = this.mesh.find(peerId);
      if (!peer)
        checkData(data);
      peer?.check(data);
      return peer?.sendData(data) ?? Promise.resolve(false);
    }
    /**
     * Sends to every peer, as `send` does to one.
     *
     * @returns to how many.
     * @throws TypeError for what cannot be sent to each: then nobody gets it.
     */
    broadcast(data) {
      checkData(data);
      const peers = this.mesh.all;
      for (const peer of peers)
        peer.check(data);
      return Promise.all(peers.map((peer) => peer.sendData(data))).then((sent) => sent.filter(Boolean).length);
    }
    /** Sends a payload of your own through the server, where no data channel stands yet. */
    signal(peerId, payload) {
      const target = this.mesh.find(peerId)?.info.connectionId ?? peerId;
      this.socket.say({ action: "send-payload", target, payload });
    }
    // Media
    /**
     * Turns own tracks on and off: all of them, or those of one kind; without a value, the other way.
     *
     * @returns whether they are on now.
     */
    toggleTracks(kind, enabled) {
      if (typeof kind !== "object") {
        return this.media.toggle(kind ? [kind] : ["audio", "video"], enabled);
      }
      return ["audio", "video"].map((one) => {
        const wanted = kind[one];
        return wanted === void 0 ? false : this.media.toggle([one], wanted);
      }).some(Boolean);
    }
    /** Off lets go of the client's own camera; of an application's it disables the track. */
    setCameraEnabled(on) {
      return this.media.enable("video", on);
    }
    /** Off mutes it. @returns whether it is on now; `mediaProblem` says why it is not. */
    setMicrophoneEnabled(on) {
      return this.media.enable("audio", on);
    }
    /** Plays a peer's stream in any element; `null` ends it. @returns whether it plays. */
    attach(el, stream) {
      return this.playback.attach(el, stream);
    }
    /** Plays what the browser has blocked; to be called in a click or key press. */
    startAudio() {
      return this.playback.start();
    }
    /** Sends a screen in place of the camera, and its sound. Rejects where the user refuses. */
    shareScreen(stream) {
      return this.media.shareScreen(stream);
    }
    stopScreenShare() {
      this.media.stopSharing();
    }
    /** Uses these devices from now on; `null` gives one up. Rejects as `getUserMedia` does. */
    setDevices(ids) {
      return this.media.setDevices(ids);
    }
    /** Sends another stream's tracks from now on. */
    setStream(stream) {
      this.media.setStream(stream);
    }
    onStream() {
      const stream = this.media.stream;
      if (!stream)
        return;
      for (const peer of this.mesh.all)
        void peer.send(stream);
      this.emit("localStream", { stream, sharing: this.media.isSharing });
    }
    // The path
    /** Figures about the connection with a peer; undefined where there is none. */
    async stats(peerId) {
      const peer = this.mesh.find(peerId);
      return peer?.meter.read(peer.connection);
    }
    /** Looks for another path to one peer, or to all. */
    restartIce(peerId) {
      const peers = peerId === void 0 ? this.mesh.all : [this.mesh.find(peerId)];
      for (const peer of peers)
        peer?.restartIce();
    }
    /** Leaves for good. What the client opened is closed; no event comes after. */
    close() {
      if (this.isClosed)
        return;
      this.isClosed = true;
      globalThis.removeEventListener?.("pagehide", this.onPageHide);
      this.emitter.close();
      this.socket.close();
      this.entry.reject("closed", explain("closed"));
      this.end();
    }
    end() {
      this.store?.take();
      this.ice.close();
      this.mesh.close();
      this.media.close();
    }
    /** Either the page comes back and goes on, or the others are told at once that it is gone. */
    onPageHide = (event) => {
      const { session, seq } = this.socket;
      if (this.store && session)
        this.store.put({ id: this.id, session, seq });
      else if (!this.store && !event.persisted)
        this.close();
    };
    // The room
    join() {
      const name = joiningName(this.options.name, this.dialect);
      this.socket.say({ action: "join-room", roomId: this.roomId, name, id: this.id });
    }
    onEvent(type, data) {
      if (type === "room_state" || type === "first_to_join" || this.dialect === "classic") {
        this.entry.resolve();
      }
      switch (type) {
        case "first_to_join":
          return this.emit("first_to_join", data);
        case "someone_joined": {
          const joined = data;
          this.mesh.welcome(joined);
          return this.emit("someone_joined", joined);
        }
        case "room_state":
          return this.onRoomState(data);
        case "someone_left": {
          const left = data;
          this.mesh.leave(left.connectionId);
          return this.emit("someone_left", left);
        }
        default: {
          if (this.mesh.take(type, data))
            return;
          const { connectionId, ...payload } = data;
          this.emit("signal", { connectionId: String(connectionId), type, payload });
        }
      }
    }
    onRoomState(data) {
      const members = data.members;
      for (const member of members)
        this.mesh.meet(member, this.isResumedPage);
      this.isResumedPage = false;
      this.emit("room_state", { roomId: String(data.roomId), members });
    }
    // What the parts report
    socketDelegate() {
      return {
        onFresh: (welcome) => {
          this.dialect = welcome ? "v1" : "classic";
          this.connectionId = welcome?.connectionId;
          this.isResumedPage = false;
          this.join();
          this.mesh.uproot();
        },
        onResumed: (connectionId) => {
          this.dialect = "v1";
          this.connectionId = connectionId;
          if (this.isResumedPage)
            this.join();
          this.emit("resumed", { connectionId });
        },
        onWelcome: (welcome) => this.ice.learn(welcome),
        onEvent: ({ name, data }) => this.onEvent(name, data),
        onState: (state) => {
          if (state === "closed" && !this.isClosed) {
            this.isClosed = true;
            globalThis.removeEventListener?.("pagehide", this.onPageHide);
            queueMicrotask(() => this.end());
          }
        },
        onOpen: (dialect) => this.emit("socketOpen", { dialect }),
        onClosed: (closed) => this.emit("socketClosed", closed),
        onProblem: (problem) => {
          if (problem.final)
            this.entry.reject(problem.code, problem.message);
          this.emit("socketError", problem);
        },
        onReconnecting: (attempt, delayMs) => this.emit("reconnecting", { attempt, delayMs })
      };
    }
    meshDelegate() {
      const of = ({ info: { connectionId, peerId } }) => ({ connectionId, peerId });
      return {
        connectionId: () => this.connectionId,
        configuration: () => ({
          iceServers: this.ice.servers,
          iceTransportPolicy: this.options.iceTransportPolicy ?? "all"
        }),
        stream: () => this.media.stream,
        receive: () => this.options.video || this.options.stream ? ["audio", "video"] : [],
        tell: (target, payload) => this.socket.say({ action: "send-payload", target, payload }),
        say: (peer, message) => this.socket.say({
          action: "send-payload",
          target: peer.info.connectionId,
          payload: { ...message, offererId: this.id, name: nameOf2(this.options.name) }
        }),
        onState: (peer) => {
          this.emit("peerConnectionStateChange", { ...of(peer), state: peer.info.state });
          const isOver = ["failed", "closed"].includes(peer.info.state);
          if (isOver && (!this.socket.isV1 || peer.link === void 0))
            this.lose(peer);
        },
        onCount: (peer) => this.emit("peerConnectionStateChange", { ...of(peer), state: peer.info.state }),
        onProblem: ({ connectionId, peerId }, err) => this.emit("negotiationFailed", { connectionId, peerId, err }),
        onSendChannel: (peer, sendChannel) => this.emit("sendChannelOpen", { ...of(peer), sendChannel }),
        onReceiveChannel: (peer, receiveChannel) => this.emit("receiveChannelOpen", { ...of(peer), receiveChannel }),
        onTrack: (peer, event) => {
          this.emit("trackAdded", { event, ...of(peer) });
          this.playback.watch(event.track);
        },
        onTrackRemoved: (peer, track) => this.emit("trackRemoved", { track, ...of(peer) }),
        onMessage: (peer, data) => this.emit("message", { ...of(peer), data })
      };
    }
    lose(peer) {
      const { connectionId, peerId } = peer.info;
      this.mesh.remove(peer);
      this.emit("someone_left", { connectionId, peerId, roomId: this.roomId, reason: "connection" });
    }
  };

  // src/global.ts
  globalThis.WebRtcClient = WebRtcClient;
})();
//# sourceMappingURL=webrtc-client.iife.js.map
