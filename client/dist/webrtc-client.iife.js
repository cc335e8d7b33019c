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

  // src/media-ask.ts
  var KINDS = ["audio", "video"];
  var isNamed = (err, ...names) => names.includes(err?.name ?? "");
  var isRefusal = (err) => isNamed(err, "NotAllowedError", "SecurityError");
  var isBusy = (err) => isNamed(err, "NotReadableError", "AbortError");
  var constraints = (wanted) => typeof wanted === "object" ? wanted : {};
  async function findTracks(wanted, get, isOver, onStale) {
    const { tracks, errors } = { tracks: {}, errors: {} };
    let asks = [wanted];
    for (let ask = asks.shift(); ask && !isOver(); ask = asks.shift()) {
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
      const name = kind === "audio" ? "microphone" : "camera";
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
    track;
    /** Until the browser has answered. */
    asking;
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
    get ask() {
      return { [this.kind]: this.wanted || true };
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
    /** The browser has given a track. */
    got(track, turn) {
      const isWanted = this.isOn || this.kind === "audio";
      if (turn === this.turn && isWanted) {
        this.#keeper.own.add(track);
        return this.give(track);
      }
      track.stop();
      if (turn === this.turn)
        this.#settle();
    }
    /** @param err What is told of it. */
    failed(turn, err, isQuiet) {
      if (turn !== this.turn)
        return;
      this.#settle();
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
      const what2 = this.kind === "video" ? "camera" : "microphone";
      this.#tell(
        new Error(`The ${what2} has ended: forbidden, gone, or taken by something else`),
        isReplaced
      );
      if (isReplaced)
        this.open();
      else
        this.#keeper.sync();
    }
    /** Devices have come or gone, or the page is looked at again: a phone call may be over. */
    look(isVisible) {
      if (this.#isOwn && this.track.readyState === "ended")
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
    constructor(options, emit, play) {
      this.emit = emit;
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
    /** undefined until there is something to send. */
    stream;
    /** A shared screen's, which is sent beside the stream's own tracks. */
    sound;
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
      await sleep(0);
      const asked = this.#devices.filter((device2) => device2.wanted && device2.mayOpen);
      if (this.#isClosed || !asked.length)
        return;
      const opened2 = this.acquire(asked).then((err) => {
        const isNone = this.#devices.every((device2) => !device2.track);
        if (!this.#isClosed && isNone && err)
          this.emit("noMedia", { err });
      });
      for (const device2 of asked)
        device2.asking = opened2;
      let timer;
      const waited = new Promise((resolve) => {
        timer = setTimeout(resolve, Math.min(waitMs, LONGEST_TIMER_MS));
      });
      await Promise.race([opened2, waited, this.#closed]);
      clearTimeout(timer);
    }
    /** @returns what went wrong, where something did. */
    async acquire(devices, isQuiet = false) {
      const turns = devices.map((device2) => device2.turn);
      const wanted = Object.assign({}, ...devices.map((device2) => device2.ask));
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
        const track = tracks[device2.kind];
        const turn = turns[index];
        if (track)
          device2.got(track, turn);
        else
          device2.failed(turn, errors[device2.kind], isQuiet);
      });
      this.sync();
      return errors.audio ?? errors.video;
    }
    #get = async (ask) => {
      const devices = this.#mediaDevices;
      if (!devices)
        throw new Error("Browsers give camera and microphone to https pages only");
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
      const now = [microphone, picture ?? camera].filter((track) => track !== void 0);
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
      const device2 = this.#devices[KINDS.indexOf(kind)];
      const before = device2.track;
      device2.enable(on);
      if (before && !device2.track)
        await this.#darken(before);
      if (on)
        await Promise.race([device2.asking, this.#closed]);
      const { track } = device2;
      return !this.#isClosed && track?.readyState === "live" && track.enabled;
    }
    /** A camera whose place nobody takes sends black first. */
    async #darken(track) {
      if (track.kind === "video" && this.own.has(track)) {
        track.enabled = false;
        await sleep(DARK_MS);
      }
      this.sync();
    }
    /** The screen's picture in place of the camera's, and its sound beside the microphone's. */
    async shareScreen(given) {
      const devices = this.#mediaDevices;
      if (!given && !devices?.getDisplayMedia)
        throw new Error("This browser shares no screen");
      const screen = given ?? await devices.getDisplayMedia({ video: true, audio: true });
      const track = screen.getVideoTracks()[0];
      if (!given)
        for (const one of screen.getTracks())
          this.own.add(one);
      if (!track || this.#isClosed) {
        if (!given)
          for (const one of screen.getTracks())
            one.stop();
        throw new Error(track ? "The client is closed" : "What is to be shared has no picture");
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
        device2.got(track, turn);
        this.sync();
        if (isLate)
          throw new Error("Something else was chosen meanwhile");
      }
      device2.wanted = wanted;
    }
    /** Many cameras, and phones above all, do not open one beside another. */
    async #exchange(device2, wanted) {
      const { turn } = device2;
      const get = async () => (await this.#get({ [device2.kind]: wanted }))[0];
      let old;
      try {
        return await get();
      } catch (err) {
        old = device2.track;
        if (!isBusy(err) || !old || !this.own.has(old))
          throw err;
      }
      const { deviceId } = old.getSettings();
      old.stop();
      try {
        return await get();
      } catch (err) {
        if (device2.turn === turn) {
          device2.wanted = { ...constraints(device2.wanted), ...deviceId && { deviceId } };
          device2.open();
          await device2.asking;
        }
        throw err;
      }
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
      if (this.#isClosed)
        return;
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
  var sleep = (ms) => new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

  // src/configuration.ts
  function connect(create, configuration, onRefused) {
    try {
      return create(configuration);
    } catch (err) {
      const { usable, refused: refused2 } = sift(create, configuration.iceServers ?? []);
      if (!refused2.length)
        throw err;
      const connection = create({ ...configuration, iceServers: usable });
      refused2.forEach(onRefused);
      return connection;
    }
  }
  function configure(create, connection, iceServers2) {
    const others = connection.getConfiguration();
    try {
      connection.setConfiguration({ ...others, iceServers: iceServers2 });
    } catch {
      connection.setConfiguration({ ...others, iceServers: sift(create, iceServers2).usable });
    }
  }
  function sift(create, servers) {
    const refused2 = [];
    const usable = servers.flatMap((server) => [server.urls].flat().map(
      (urls) => ({ ...server, urls })
    )).filter((server) => {
      try {
        create({ iceServers: [server] }).close();
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
  var isOneOf = (data, ...names) => names.includes(Object.prototype.toString.call(data).slice(8, -1));
  var isBlob = (data) => isOneOf(data, "Blob", "File");
  function checkData(data, most = Infinity) {
    let length;
    if (typeof data === "string") {
      length = data.length * 3 <= most ? 0 : new TextEncoder().encode(data).length;
    } else if (isBlob(data)) {
      length = data.size;
    } else if (ArrayBuffer.isView(data) || isOneOf(data, "ArrayBuffer")) {
      length = data.byteLength;
    } else {
      throw new TypeError("Only a text, bytes (ArrayBuffer or a view of one) or a Blob can be sent: turn an object into a text with JSON.stringify");
    }
    if (length > most) {
      throw new TypeError(`A message to this peer holds at most ${most} bytes, not ${length}: send it in pieces`);
    }
  }
  function kept(data) {
    if (typeof data === "string" || isBlob(data))
      return data;
    return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() : data.slice(0);
  }
  function sender(channel) {
    let waiting = 0;
    let last = Promise.resolve();
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
      const sent = last.then(() => giveLater(copy));
      last = sent;
      return sent;
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
  var inMs = (seconds) => seconds === void 0 ? void 0 : Math.round(seconds * 1e3);
  function meter(connection) {
    let last;
    return async () => {
      const report = await connection().getStats();
      const entries = [];
      report.forEach((entry) => entries.push(entry));
      const pair = selectedPair(report, entries);
      const inbound = entries.filter((entry) => entry.type === "inbound-rtp");
      const sum = (name) => inbound.reduce((all, entry) => all + (entry[name] ?? 0), 0);
      const packetsReceived = sum("packetsReceived");
      const packetsLost = sum("packetsLost");
      const now = [
        performance.now(),
        pair?.bytesReceived ?? 0,
        pair?.bytesSent ?? 0,
        packetsReceived,
        packetsLost
      ];
      const rttMs = inMs(pair?.currentRoundTripTime);
      const jitters = inbound.flatMap((entry) => entry.jitter ?? []);
      const figures = {
        packetsReceived,
        packetsLost,
        rttMs,
        jitterMs: jitters.length ? inMs(Math.max(...jitters)) : void 0,
        relayed: [pair?.localCandidateId, pair?.remoteCandidateId].some((id) => report.get(id)?.candidateType === "relay"),
        quality: "unknown"
      };
      if (last) {
        const [ms, bytesIn, bytesOut, received, lost2] = now.map((value, index) => Math.max(0, value - last[index]));
        if (ms) {
          figures.bitrateInKbps = Math.round(bytesIn * 8 / ms);
          figures.bitrateOutKbps = Math.round(bytesOut * 8 / ms);
        }
        if (ms && lost2 + received)
          figures.lossRatio = lost2 / (lost2 + received);
      }
      last = now;
      if (rttMs !== void 0)
        figures.quality = quality(rttMs, figures.lossRatio ?? 0);
      return figures;
    };
  }
  function quality(rttMs, lossRatio) {
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
      const connection = this.connection = connect(host.create, host.configuration(), (err) => this.#report(err));
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
    connection;
    info;
    polite;
    /** Whether an offer or answer of the other page has been applied. */
    hasHeard = false;
    /** Runs while its page was not seen since the room was entered anew. */
    orphaned;
    /** The connection id that the other page says over the connection to be its own. */
    claim;
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
    #say(message) {
      if (this.#isClosed)
        return;
      this.#host.tell(this.info.connectionId, { ...message, link: this.link });
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
      return known !== void 0 && known === fingerprint(offer);
    }
    /** Says to the other page alone who we are: nobody else has the keys of this connection. */
    announce(connectionId) {
      const channel = this.connection.createDataChannel(HERE, { protocol: connectionId });
      channel.onopen = () => channel.close();
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
      if (!this.info.sendChannel && description.sdp?.includes("m=application")) {
        this.#openSendChannel();
      }
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
        this.restartIce();
        this.#restartIn(RESTART_EVERY_MS);
      }, delayMs);
    }
    restartIce() {
      this.connection.restartIce();
    }
    configure(iceServers2) {
      try {
        configure(this.#host.create, this.connection, iceServers2);
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
      return [this.info.sendChannel, this.info.receiveChannel].find((channel) => channel?.readyState === "open") ?? void 0;
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
      const without2 = (track) => this.#tracks.filter((one) => one.track !== track);
      const change = (tracks) => {
        this.#tracks = tracks;
        this.info.streams = [...new Set(tracks.flatMap(({ streams }) => streams))];
      };
      for (const stream of event.streams) {
        stream.onremovetrack = ({ track }) => {
          change(without2(track));
          this.emit("trackRemoved", { track });
        };
      }
      change([...without2(event.track), event]);
      this.emit("trackAdded", { event });
    }
    /** Sends these tracks and no others from now on, without a new offer where that can be. */
    async sendStream(stream) {
      try {
        this.#sendSound(stream);
        for (const kind of KINDS)
          await this.#sendTrack(stream, kind);
      } catch (err) {
        this.#report(err);
      }
    }
    async #sendTrack(stream, kind) {
      const track = stream.getTracks().find((one) => one.kind === kind) ?? null;
      const transceiver = this.connection.getTransceivers().find((one) => one !== this.#sound && one.receiver.track.kind === kind && one.currentDirection !== "stopped");
      await transceiver?.sender.replaceTrack(track);
      if (!track || !this.link)
        return;
      if (!transceiver) {
        this.connection.addTrack(track, stream);
      } else if (!transceiver.direction.includes("send")) {
        transceiver.sender.setStreams?.(stream);
        transceiver.direction = "sendrecv";
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
  var TYPES = [
    "offer",
    "answer",
    "ice_candidate",
    "link_check",
    "link_lost",
    "usher.link_kept",
    "usher.negotiation_failed"
  ];
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
      return this.all.find(({ info }) => Object.hasOwn(this.peerInfo, id) && info === this.peerInfo[id]);
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
      const known = this.all.filter(({ link, info, orphaned }) => link && info.peerId === peerId && info.state === "connected" && !orphaned === !own && info.connectionId !== connectionId);
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
      if (!TYPES.includes(type))
        return false;
      this.#hear({ ...data, type, link: textOf(data.link) }, data, String(data.connectionId));
      return true;
    }
    #hear(message, { offererId, name, fingerprints }, from) {
      const { type, link } = message;
      const saidName = textOf(name) ?? null;
      const own = this.#host.connectionId();
      const here = this.#with(from);
      const isOffer = type === "offer";
      const isAnswer = type === "answer" || type === "ice_candidate";
      if (here && !link && isAnswer && !here.hasHeard)
        here.link = void 0;
      const mine = here && here.link === link && (link || !isOffer || here.isOfSamePage(message.offer)) ? here : void 0;
      const shown = here ? void 0 : this.all.find((peer) => peer.link && peer.info.state === "connected" && (peer.link === link || own && Array.isArray(fingerprints) && fingerprints.includes(fingerprint(peer.connection.remoteDescription))));
      const person = this.#people.get(from) ?? {
        peerId: textOf(offererId) ?? from,
        name: saidName,
        ...shown?.info,
        polite: shown?.polite ?? true,
        connectionId: from
      };
      if (isAnswer || isOffer && mine)
        return mine?.take(message);
      switch (type) {
        case "offer":
          if (message.again)
            return this.#host.tell(from, { type: "link_lost", link });
          if (here?.isOffering && !person.polite && link)
            return;
          for (const peer of this.all)
            if (peer.info.connectionId === from)
              this.#end(peer);
          return this.#begin({ ...person, name: person.name ?? saidName }, message);
        case "link_check":
        case "usher.link_kept":
          person.claims = shown;
          if (shown && own)
            this.#keep(shown);
          else if (shown)
            this.#move(shown, person);
          else if (!mine && type === "link_check")
            this.#host.tell(from, { type: "link_lost", link });
          return;
        case "link_lost":
          this.#end(mine ?? shown);
          if (mine || !here && !shown && this.#people.get(from)?.checked)
            this.#begin(person);
          return;
        default:
          if (!mine && (here || shown))
            return;
          this.#fail(person, new Error("The other page could not set the connection up"));
      }
    }
    // For the application
    #changed(peer) {
      this.#list();
      peer.emit("peerConnectionStateChange", { state: peer.info.state });
    }
    /** Connection ids go before peer ids, and who had a peer id first keeps it. */
    #list() {
      const isLast = ({ orphaned, info }) => Number(!!orphaned && info.state !== "connected");
      const sorted = [...this.all].sort((one, other) => isLast(one) - isLast(other));
      const [maps, members] = [[this.peerConnections, this.peerInfo], ["connection", "info"]];
      maps.forEach((map, index) => {
        for (const id of Object.getOwnPropertyNames(map))
          delete map[id];
        const put = (id, peer, enumerable) => {
          if (Object.hasOwn(map, id))
            return;
          const value = peer[members[index]];
          Object.defineProperty(map, id, { configurable: true, enumerable, value });
        };
        for (const peer of sorted)
          if (!peer.orphaned)
            put(peer.info.connectionId, peer, true);
        for (const peer of sorted)
          put(peer.info.connectionId, peer, true);
        for (const peer of sorted)
          put(peer.info.peerId, peer, false);
      });
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

  // src/name.ts
  var HALVES = /\p{Cs}/gu;
  function nameOf(name) {
    return name?.replace(HALVES, "�") ?? null;
  }
  function joiningName(name, dialect) {
    return nameOf(name) || (dialect === "v1" ? "Guest" : "");
  }

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
          const wasTold = isTold;
          isTold = true;
          if (!wasTold)
            onBlocked();
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
        const token = await getToken();
        const answer = await fetch(address.route("/ice-servers"), {
          headers: { Authorization: `Bearer ${token}` },
          credentials: "omit",
          cache: "no-store"
        });
        if (!answer.ok)
          throw new Error();
        const body = await answer.json();
        const now = Date.parse(answer.headers.get("Date") ?? "") || Date.now();
        take(body.iceServers, body.expiresAt, now / 1e3);
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
    globals: [isObject, "an object like { RTCPeerConnection, WebSocket }"],
    joinWithoutMediaAfterMs: [
      (value) => typeof value === "number" && value >= 0,
      "a number of milliseconds, or Infinity"
    ]
  };
  var constructor = [(value) => typeof value === "function", "a constructor"];
  var globalRules = {
    RTCPeerConnection: constructor,
    mediaDevices: [isObject, "an object like navigator.mediaDevices"],
    MediaStream: constructor,
    WebSocket: constructor
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
    check(options.globals ?? {}, globalRules, "globals.");
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
  function checkPlatform(given) {
    for (const name of ["RTCPeerConnection", "WebSocket"]) {
      if (given?.[name] ?? globalThis[name])
        continue;
      throw new TypeError(`There is no ${name} here: use a browser, or give one of a package, as the option globals: { ${name} }`);
    }
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
    #heardAt = 0;
    #pongTimer;
    #interval = setInterval(() => {
      if (Date.now() - this.#heardAt > LIVENESS_MS)
        this.check();
    }, LIVENESS_MS / 3);
    heard() {
      this.#heardAt = Date.now();
      this.forgetPing();
    }
    check() {
      if (this.#pongTimer !== void 0 || !this.ping())
        return;
      this.#pongTimer = setTimeout(this.onSilence, PONG_MS);
    }
    forgetPing() {
      clearTimeout(this.#pongTimer);
      this.#pongTimer = void 0;
    }
    stop() {
      this.forgetPing();
      clearInterval(this.#interval);
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
  function sessionToken(address, room2, clientId) {
    return async () => {
      const form = new URLSearchParams();
      if (!/\s/.test(room2))
        form.set("rooms", room2);
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
  function transition(state, event) {
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
  var OPEN = 1;
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
        const { state, effects } = transition(this.now, next);
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
      const { address, clientId: client, room: room2 } = this.settings;
      const answer = await check2(address, { token: this.token, client, room: room2 });
      this.take({ type: "checked", answer });
    }
    // The socket
    open(dialect, token) {
      const { address, clientId: client, WebSocket = globalThis.WebSocket } = this.settings;
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
      if (this.socket?.readyState === OPEN)
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
      checkPlatform(options.globals);
      this.roomId = options.sessionId;
      this.ready = this.entry.promise;
      const keep = options.keepSession;
      this.store = keep ? new SessionStore(typeof keep === "string" ? keep : options.sessionId) : void 0;
      const kept2 = this.store?.take();
      this.id = options.id ?? kept2?.id ?? randomID();
      const address = new Address(options.signallingServer);
      const source = options.getToken ?? sessionToken(address, options.sessionId, options.clientId);
      const getToken = async () => tidy(await source());
      this.ice = iceServers(address, getToken, options.iceServers ?? [], (servers) => {
        for (const peer of this.mesh.all)
          peer.configure(servers);
      });
      const emit = (type, detail) => this.emitter.emit(type, detail);
      this.media = new LocalMedia(options, emit, (el) => void this.playback.play(el));
      this.mesh = new Mesh(this.host(emit));
      this.addEventListener("localStream", ({ detail }) => {
        for (const peer of this.mesh.all)
          void peer.sendStream(detail.stream);
      });
      this.addEventListener("trackAdded", ({ detail }) => this.playback.watch(detail.event.track));
      this.peerConnections = this.mesh.peerConnections;
      this.peerInfo = this.mesh.peerInfo;
      this.socket = new SignalSocket({
        address,
        clientId: options.clientId,
        room: options.sessionId,
        getToken,
        dialect: options.dialect ?? "v1",
        WebSocket: options.globals?.WebSocket
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
    playback = playback(
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
      const peers = this.mesh.all;
      for (const peer of peers)
        peer.check(data);
      return Promise.all(peers.map((peer) => peer.send(data))).then((sent) => sent.filter(Boolean).length);
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
    // The path
    /** Figures about the connection with a peer; undefined where there is none. */
    async stats(peerId) {
      return this.mesh.find(peerId)?.stats();
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
    host(emit) {
      const { options } = this;
      return {
        emit,
        roomId: this.roomId,
        connectionId: () => this.connectionId,
        create: (configuration) => new (options.globals?.RTCPeerConnection ?? RTCPeerConnection)(configuration),
        configuration: () => ({
          iceServers: this.ice.servers(),
          iceTransportPolicy: options.iceTransportPolicy ?? "all"
        }),
        stream: () => this.media.stream,
        sound: () => this.media.sound,
        receive: options.video || options.stream ? ["audio", "video"] : [],
        tell: (target, payload) => this.socket.say({
          action: "send-payload",
          target,
          payload: { ...payload, offererId: this.id, name: nameOf(options.name) }
        })
      };
    }
  };

  // src/global.ts
  globalThis.WebRtcClient = WebRtcClient;
})();
//# sourceMappingURL=webrtc-client.iife.js.map
