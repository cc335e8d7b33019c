"use strict";
(() => {
  // src/address.ts
  var Address = class {
    /** @throws TypeError for what is no URL that a page can connect to. */
    constructor(signallingServer) {
      const text = signallingServer || location.origin;
      let base;
      try {
        base = new URL(text, location.href);
      } catch {
        throw new TypeError(`signallingServer is no URL: ${text}`);
      }
      if (!["ws:", "wss:", "http:", "https:"].includes(base.protocol)) {
        throw new TypeError(`signallingServer must be a ws, wss, http or https URL, not ${text}`);
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
    /** A route of the HTTP service. */
    route(path) {
      const url = new URL(this.base.href);
      url.protocol = this.base.protocol.replace(/^ws/, "http");
      return new URL(path, url.origin).href;
    }
  };

  // src/emitter.ts
  var Emitter = class {
    constructor() {
      this.listeners = /* @__PURE__ */ new Map();
      this.isClosed = false;
    }
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
    if (typeof crypto.randomUUID === "function")
      return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] ?? 0) & 15 | 64;
    bytes[8] = (bytes[8] ?? 0) & 63 | 128;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  // src/media.ts
  var LocalMedia = class {
    constructor(options, stream, delegate) {
      this.options = options;
      this.delegate = delegate;
      this.isClosed = false;
      /** A device that is pulled out ends its track; the default one takes its place. */
      this.onDeviceChange = () => {
        if (!this.isOwn || this.isClosed)
          return;
        const lost = [this.camera, this.stream?.getAudioTracks()[0]].filter((track) => track?.readyState === "ended");
        for (const track of lost)
          void this.replace(track.kind);
      };
      this.isOwn = !stream;
      this.audio = options?.audio ?? false;
      this.video = options?.video ?? false;
      if (stream)
        this.adopt(stream);
      navigator.mediaDevices?.addEventListener?.("devicechange", this.onDeviceChange);
    }
    get isSharing() {
      return this.screen !== void 0;
    }
    adopt(stream) {
      this.stream = stream;
      this.camera = stream.getVideoTracks()[0];
      this.show();
    }
    /** Asks for what the options say. */
    async open() {
      if (this.stream || !this.audio && !this.video)
        return;
      try {
        const stream = await this.ask();
        if (this.isClosed)
          return stop(stream);
        this.adopt(stream);
        this.delegate.onStream();
      } catch (err) {
        if (!this.isClosed)
          this.delegate.onNoMedia(err);
      }
    }
    /** Everything, or the microphone alone, or the camera alone. */
    async ask() {
      const devices = navigator.mediaDevices;
      if (!devices)
        throw new Error("Browsers give camera and microphone to https pages only");
      const { audio, video } = this;
      try {
        return await devices.getUserMedia({ audio, video });
      } catch (err) {
        if (!audio || !video)
          throw err;
        try {
          return await devices.getUserMedia({ audio });
        } catch {
          return await devices.getUserMedia({ video }).catch(() => {
            throw err;
          });
        }
      }
    }
    show() {
      const el = this.options?.el;
      if (!el || !this.stream)
        return;
      el.muted = true;
      el.playsInline = true;
      el.autoplay = true;
      if (el.srcObject !== this.stream)
        el.srcObject = this.stream;
      el.play().catch(() => void 0);
    }
    // Changes during a call
    /** Puts a track in the place of that of its kind; the old one is not stopped. */
    put(kind, track) {
      const stream = this.stream ?? (this.stream = new MediaStream());
      for (const old of stream.getTracks().filter((one) => one.kind === kind)) {
        if (old === track)
          continue;
        stream.removeTrack(old);
        if (track)
          track.enabled = old.enabled;
      }
      if (track && !stream.getTracks().includes(track))
        stream.addTrack(track);
      this.show();
      this.delegate.onStream();
    }
    async shareScreen(given) {
      const screen = given ?? await navigator.mediaDevices.getDisplayMedia({ video: true });
      const track = screen.getVideoTracks()[0];
      if (!track)
        throw new Error("What is to be shared has no picture");
      if (this.isClosed) {
        stop(screen);
        throw new Error("The client is closed");
      }
      this.stopSharing();
      this.screen = screen;
      track.addEventListener("ended", () => {
        if (this.screen !== screen)
          return;
        this.stopSharing();
        this.delegate.onScreenShareEnded();
      });
      this.put("video", track);
      track.enabled = true;
      return screen;
    }
    stopSharing() {
      const screen = this.screen;
      if (!screen)
        return;
      this.screen = void 0;
      const camera = this.camera?.readyState === "live" ? this.camera : void 0;
      const isOn = camera?.enabled;
      this.put("video", camera);
      if (camera && isOn !== void 0)
        camera.enabled = isOn;
      stop(screen);
    }
    /** Uses these devices; `null` gives one up, what is left out stays. */
    async setDevices(ids) {
      await this.choose("audio", ids.audioDeviceId);
      await this.choose("video", ids.videoDeviceId);
    }
    async choose(kind, id) {
      if (id === void 0)
        return;
      const wanted = id === null ? false : { ...constraints(this[kind]), deviceId: { exact: id } };
      const old = kind === "video" ? this.camera : this.stream?.getAudioTracks()[0];
      let track;
      if (wanted) {
        const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wanted });
        if (this.isClosed)
          return stop(stream);
        track = stream.getTracks()[0];
      }
      this[kind] = wanted;
      if (kind === "video")
        this.camera = track;
      if (kind === "audio" || !this.screen)
        this.put(kind, track);
      if (this.isOwn && old && old !== track)
        old.stop();
    }
    /** Sends another stream's tracks. */
    setStream(stream) {
      this.camera = stream.getVideoTracks()[0];
      if (!this.screen)
        this.put("video", this.camera);
      this.put("audio", stream.getAudioTracks()[0]);
    }
    async replace(kind) {
      try {
        const { deviceId: _, ...rest } = constraints(this[kind]);
        const wanted = Object.keys(rest).length ? rest : true;
        const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wanted });
        if (this.isClosed)
          return stop(stream);
        const track = stream.getTracks()[0];
        if (kind === "video")
          this.camera = track;
        if (kind === "audio" || !this.screen)
          this.put(kind, track);
      } catch (err) {
        this.delegate.onNoMedia(err);
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
      this.isClosed = true;
      navigator.mediaDevices?.removeEventListener?.("devicechange", this.onDeviceChange);
      if (this.screen)
        stop(this.screen);
      if (this.isOwn) {
        if (this.stream)
          stop(this.stream);
        this.camera?.stop();
      }
      const el = this.options?.el;
      if (el && el.srcObject === this.stream)
        el.srcObject = null;
    }
  };
  function constraints(wanted) {
    return typeof wanted === "object" ? wanted : {};
  }
  function stop(stream) {
    for (const track of stream.getTracks())
      track.stop();
  }

  // src/peer.ts
  var CHANNEL = "usher";
  var DISCONNECTED_MS = 4e3;
  var RESTART_EVERY_MS = 8e3;
  var Peer = class {
    constructor(setup, isOfferer, delegate) {
      this.delegate = delegate;
      /** Whether an offer or answer of the other page has been applied. */
      this.hasHeard = false;
      this.isClosed = false;
      this.isMakingOffer = false;
      this.isIgnoringOffer = false;
      this.isSettingAnswer = false;
      this.hasOffered = false;
      this.early = [];
      this.last = Promise.resolve();
      const { connectionId, peerId, name } = setup;
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
      this.connection = new RTCPeerConnection(setup.configuration);
      this.listen();
      this.addTracks(setup, isOfferer);
      if (isOfferer)
        this.openSendChannel();
    }
    get isClassic() {
      return this.link === void 0;
    }
    addTracks(setup, isOfferer) {
      const stream = setup.stream;
      for (const track of stream?.getTracks() ?? [])
        this.connection.addTrack(track, stream);
      if (!isOfferer)
        return;
      for (const kind of setup.receive) {
        const isThere = stream?.getTracks().some((track) => track.kind === kind);
        if (!isThere)
          this.connection.addTransceiver(kind, { direction: "recvonly" });
      }
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
      } catch {
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
      const known = fingerprint(this.connection.remoteDescription?.sdp);
      return known !== void 0 && known === fingerprint(offer.sdp);
    }
    /** Takes a message of the other page. One after another, since each may wait. */
    take(message) {
      this.last = this.last.then(() => this.handle(message)).catch(() => {
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
      } catch {
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
    configure(configuration) {
      if (this.isClosed)
        return;
      try {
        this.connection.setConfiguration({ ...this.connection.getConfiguration(), ...configuration });
      } catch {
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
    receive(channel) {
      if (!this.info.receiveChannel || channel.label === CHANNEL) {
        this.info.receiveChannel = channel;
        channel.binaryType = "arraybuffer";
        channel.addEventListener("message", ({ data }) => this.delegate.onMessage(this, data));
      }
      const opened = () => this.delegate.onReceiveChannel(this, channel);
      if (channel.readyState === "open")
        opened();
      else
        channel.addEventListener("open", opened, { once: true });
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
          this.delegate.onTrackRemoved(this, track);
        };
      }
      this.delegate.onTrack(this, event);
    }
    /** Sends these tracks and no others from now on, without a new offer where that can be. */
    async send(stream) {
      if (this.isClosed)
        return;
      for (const kind of ["audio", "video"]) {
        const track = stream.getTracks().find((one) => one.kind === kind) ?? null;
        const transceiver = this.transceiver(kind);
        if (transceiver) {
          await transceiver.sender.replaceTrack(track).catch(() => void 0);
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
      return this.connection.getTransceivers().find((one) => one.receiver.track.kind === kind && one.currentDirection !== "stopped");
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
  function fingerprint(sdp) {
    return sdp?.match(/^a=fingerprint:(.*)$/m)?.[1];
  }

  // src/mesh.ts
  var ORPHAN_MS = 6e4;
  var Mesh = class {
    constructor(delegate) {
      this.delegate = delegate;
      /** By connection id. */
      this.peers = /* @__PURE__ */ new Map();
      /** By connection id, for the application; found by peer id as well. */
      this.peerConnections = {};
      this.peerInfo = {};
      /** Connections whose pages are not in the room at present, by peer id. */
      this.orphans = /* @__PURE__ */ new Map();
      this.politeness = /* @__PURE__ */ new Map();
    }
    find(id) {
      return this.peers.get(id) ?? [...this.peers.values()].find((peer) => peer.info.peerId === id);
    }
    // Who is there
    /** Somebody came after us: the first offer is ours. */
    welcome(member) {
      this.politeness.set(member.connectionId, false);
      const known = this.adopt(member, false);
      if (known) {
        this.tell(known, { type: "link_check", link: known.link });
      } else {
        this.begin(member, false, randomID());
      }
    }
    /** Somebody was there before us, and makes the first offer. */
    meet(member, polite) {
      this.politeness.set(member.connectionId, polite);
      if (this.peers.has(member.connectionId))
        return;
      this.adopt(member, polite);
    }
    /** After a reload nobody was told that our connections are gone: we begin them again. */
    meetAgain(member, polite) {
      this.politeness.set(member.connectionId, polite);
      if (!this.peers.has(member.connectionId))
        this.begin(member, polite, randomID());
    }
    /** A connection that works goes on under another connection id. */
    adopt(member, polite) {
      const known = this.orphans.get(member.peerId) ?? [...this.peers.values()].find((peer) => peer.info.peerId === member.peerId && peer.info.connectionId !== member.connectionId);
      if (!known)
        return void 0;
      const isGood = known.link !== void 0 && known.connection.connectionState === "connected";
      if (!isGood) {
        this.orphans.delete(member.peerId);
        if (this.peers.get(known.info.connectionId) === known)
          this.forget(known);
        known.close();
        return void 0;
      }
      this.orphans.delete(member.peerId);
      this.unlist(known);
      known.info.connectionId = member.connectionId;
      known.info.name = member.name ?? known.info.name;
      known.polite = polite;
      this.list(known);
      return known;
    }
    leave(connectionId) {
      this.politeness.delete(connectionId);
      const peer = this.peers.get(connectionId);
      if (peer)
        this.remove(peer);
    }
    /** The room is entered anew: who is not there yet may come back. */
    uproot() {
      this.politeness.clear();
      for (const peer of [...this.peers.values()]) {
        this.forget(peer);
        this.orphans.set(peer.info.peerId, peer);
        setTimeout(() => this.drop(peer), ORPHAN_MS);
      }
    }
    drop(peer) {
      if (this.orphans.get(peer.info.peerId) !== peer)
        return;
      this.orphans.delete(peer.info.peerId);
      peer.close();
      this.delegate.onCount(peer);
    }
    begin(member, polite, link, isOfferer = true) {
      const peer = new Peer({
        ...member,
        polite,
        link,
        configuration: this.delegate.configuration(),
        stream: this.delegate.stream(),
        receive: this.delegate.receive()
      }, isOfferer, this.delegate);
      this.list(peer);
      this.delegate.onCount(peer);
      return peer;
    }
    remove(peer) {
      this.forget(peer);
      this.drop(peer);
      peer.close();
      this.delegate.onCount(peer);
    }
    // The application's view
    list(peer) {
      const { connectionId, peerId } = peer.info;
      this.peers.set(connectionId, peer);
      this.peerConnections[connectionId] = peer.connection;
      this.peerInfo[connectionId] = peer.info;
      if (peerId === connectionId)
        return;
      const alias = { configurable: true, enumerable: false };
      Object.defineProperty(this.peerConnections, peerId, { ...alias, value: peer.connection });
      Object.defineProperty(this.peerInfo, peerId, { ...alias, value: peer.info });
    }
    unlist(peer) {
      const { connectionId, peerId } = peer.info;
      if (this.peers.get(connectionId) !== peer)
        return;
      this.peers.delete(connectionId);
      for (const id of [connectionId, peerId]) {
        delete this.peerConnections[id];
        delete this.peerInfo[id];
      }
    }
    forget(peer) {
      this.unlist(peer);
    }
    // What others say
    tell(peer, payload) {
      this.delegate.tell(peer.info.connectionId, payload);
    }
    /** Takes a payload of another page; false where it is none of the mesh's. */
    take(type, data) {
      if (!["offer", "answer", "ice_candidate", "link_check", "link_lost"].includes(type)) {
        return false;
      }
      const message = { ...data, type };
      const connectionId = String(data.connectionId);
      const peer = this.peers.get(connectionId);
      if (peer && this.isClassicAnswer(peer, message))
        peer.link = void 0;
      const isOfPeer = peer !== void 0 && peer.link === message.link && (peer.link !== void 0 || !message.offer || peer.isOfSamePage(message.offer));
      if (type === "link_lost") {
        if (isOfPeer)
          this.renew(peer);
      } else if (isOfPeer) {
        if (type !== "link_check")
          void peer.take(message);
      } else if (type === "link_check" || message.again) {
        this.delegate.tell(connectionId, { type: "link_lost", link: message.link });
      } else if (message.offer) {
        this.accept(message, data, peer);
      }
      return true;
    }
    /** Classic clients answer without the link's name; from then on we know that they are such. */
    isClassicAnswer(peer, message) {
      return message.link === void 0 && !message.offer && !peer.hasHeard && (message.answer !== void 0 || message.type === "ice_candidate");
    }
    /** The other page has lost the connection: both begin again, the impolite side with an offer. */
    renew(peer) {
      const { connectionId, peerId, name } = peer.info;
      this.remove(peer);
      this.begin({ connectionId, peerId, name }, peer.polite, randomID());
    }
    /** The first offer of a new connection. */
    accept(message, data, old) {
      const connectionId = String(data.connectionId);
      const polite = this.politeness.get(connectionId) ?? true;
      if (old?.isOffering && !polite && message.link !== void 0)
        return;
      const peerId = typeof data.offererId === "string" ? data.offererId : connectionId;
      const name = typeof data.name === "string" ? data.name : old?.info.name ?? null;
      if (old)
        this.remove(old);
      const orphan = this.orphans.get(peerId);
      if (orphan)
        this.drop(orphan);
      const peer = this.begin({ connectionId, peerId, name }, polite, message.link, false);
      void peer.take(message);
    }
    close() {
      for (const peer of [...this.peers.values(), ...this.orphans.values()]) {
        this.unlist(peer);
        peer.close();
      }
      this.orphans.clear();
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
      this.learnt = [];
      this.isClosed = false;
    }
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

  // src/backoff.ts
  function backoff(attempt, minMs, mostMs = 6e4) {
    const most = Math.min(mostMs, 2e3 * 2 ** Math.min(attempt - 1, 10));
    return minMs + Math.random() * Math.max(0, most - minMs);
  }

  // src/codes.ts
  function isFinal(code) {
    return [1002, 1003, 1007, 1009].includes(code) || code >= 4500;
  }
  function explain(code, reason) {
    const said = reason ? ` (${reason})` : "";
    switch (code) {
      case 1009:
        return `A message was too long for the server${said}`;
      case 4501:
        return `This connection was closed by the operator, or its token was revoked${said}`;
      case 4509:
        return `Another connection of the same peer took this one's place${said}`;
      default:
        return `The server closed the connection for good, with code ${code}${said}`;
    }
  }

  // src/liveness.ts
  var LIVENESS_MS = 45e3;
  var PONG_MS = 5e3;
  var Liveness = class {
    /**
     * @param ping Asks the other side for a sign of life; false where there is nobody to ask.
     * @param onSilence Nothing came back.
     */
    constructor(ping, onSilence) {
      this.ping = ping;
      this.onSilence = onSilence;
      this.heardAt = 0;
      this.interval = setInterval(() => {
        if (Date.now() - this.heardAt > LIVENESS_MS)
          this.check();
      }, LIVENESS_MS / 3);
    }
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

  // src/token.ts
  var FinalTokenError = class extends Error {
  };
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
      });
      if (answer.ok)
        return (await answer.json()).access_token;
      const body = await answer.json().catch(() => ({}));
      const why = body.error_description ?? `status ${answer.status}`;
      if (answer.status === 401) {
        throw new FinalTokenError(`There is no session: sign in, or give getToken (${why})`);
      }
      if (answer.status === 403 || answer.status === 400 || answer.status === 404) {
        throw new FinalTokenError(`The session gives no token for this room: ${why}`);
      }
      throw new Error(`No token could be had: ${why}`);
    };
  }

  // src/probe.ts
  async function speaksV1(address) {
    const url = address.route("/.well-known/oauth-authorization-server");
    try {
      const answer = await fetch(url, { credentials: "omit" });
      const metadata = answer.ok ? await answer.json() : void 0;
      return typeof metadata?.issuer === "string";
    } catch {
    }
    try {
      await fetch(url, { credentials: "omit", mode: "no-cors" });
      return false;
    } catch {
      return void 0;
    }
  }

  // src/socket.ts
  var RESUMABLE_MS = 25e3;
  var RESUMABLE_WAIT_MS = 4e3;
  var LOST = 1006;
  var SignalSocket = class {
    constructor(address, clientId, getToken, wanted, delegate) {
      this.address = address;
      this.clientId = clientId;
      this.getToken = getToken;
      this.wanted = wanted;
      this.delegate = delegate;
      this.state = "idle";
      this.hasOpened = false;
      this.attempt = 0;
      this.lostAt = 0;
      this.liveness = new Liveness(() => this.ping(), () => this.onSilence());
      /** By their `ack`: messages that may not have arrived. */
      this.unacked = /* @__PURE__ */ new Map();
      this.ackCount = 0;
      /** What is to be said once the conversation stands. */
      this.waiting = [];
      this.isReady = false;
      this.refreshAttempt = 0;
      this.seq = 0;
      this.onOnline = () => {
        if (this.timer !== void 0) {
          clearTimeout(this.timer);
          void this.connect();
        } else {
          this.liveness.check();
        }
      };
      this.onVisible = () => {
        if (document.visibilityState === "visible")
          this.liveness.check();
      };
    }
    get isV1() {
      return this.dialect === "v1";
    }
    // Connecting
    start(kept) {
      this.session = kept?.session;
      this.seq = kept?.seq ?? 0;
      addEventListener("online", this.onOnline);
      document.addEventListener("visibilitychange", this.onVisible);
      this.setState("connecting");
      void this.connect();
    }
    async connect() {
      this.timer = void 0;
      let token;
      try {
        token = await this.getToken();
        if (typeof token !== "string" || !token)
          throw new Error("getToken gave no token");
      } catch (err) {
        if (this.state === "closed")
          return;
        const isFinalError = err instanceof FinalTokenError;
        this.delegate.onProblem({ message: messageOf(err), final: isFinalError, err });
        return isFinalError ? this.finish() : this.reconnect();
      }
      if (this.state === "closed")
        return;
      const dialect = this.dialect ?? (this.wanted === "auto" ? "v1" : this.wanted);
      this.open(dialect, token);
    }
    open(dialect, token) {
      const client = this.clientId;
      let socket;
      try {
        socket = dialect === "v1" ? new WebSocket(this.address.socket({ client }), ["usher.v1", `usher.bearer.${token}`]) : new WebSocket(this.address.socket({ token, client }));
      } catch (err) {
        this.delegate.onProblem({ message: messageOf(err), final: true, err });
        return this.finish();
      }
      this.socket = socket;
      let didOpen = false;
      socket.onopen = () => {
        didOpen = true;
        this.onOpen(dialect);
      };
      socket.onmessage = ({ data }) => this.onMessage(data);
      socket.onclose = ({ code, reason }) => {
        this.forget(socket);
        void this.onClose(code, reason, didOpen, dialect);
      };
    }
    onOpen(dialect) {
      this.dialect = dialect;
      this.hasOpened = true;
      this.liveness.heard();
      this.delegate.onOpen(dialect);
      if (dialect === "classic") {
        this.becomeReady();
        this.delegate.onFresh("classic", void 0);
      } else if (this.session) {
        this.write({ action: "resume", session: this.session, seq: this.seq });
      }
    }
    /** Nothing of this socket is heard any more. */
    forget(socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      if (this.socket === socket)
        this.socket = void 0;
      this.liveness.forgetPing();
      this.isReady = false;
      this.replayEnd = void 0;
    }
    becomeReady() {
      this.isReady = true;
      this.attempt = 0;
      this.setState("open");
    }
    // Closing and coming back
    async onClose(code, reason, didOpen, dialect) {
      if (this.state === "closed")
        return;
      if (isFinal(code)) {
        this.delegate.onClosed({ code, reason, willReconnect: false });
        this.delegate.onProblem({ message: explain(code, reason), code, reason, final: true });
        return this.finish();
      }
      if (code === 1012)
        this.session = void 0;
      const isGuess = !this.hasOpened && this.wanted === "auto" && dialect === "v1";
      if (!didOpen && isGuess && await speaksV1(this.address) === false)
        this.dialect = "classic";
      if (this.isClosed())
        return;
      if (didOpen) {
        this.lostAt = Date.now();
        this.delegate.onClosed({ code, reason, willReconnect: true });
      }
      if (!didOpen) {
        this.delegate.onProblem({
          message: "The signalling server did not let this page connect: it may be down, or refuse the token or this origin (see the network panel)",
          code,
          reason,
          final: false
        });
      }
      this.reconnect();
    }
    /** As `state` may have changed while something was waited for. */
    isClosed() {
      return this.state === "closed";
    }
    reconnect() {
      if (this.isClosed())
        return;
      this.attempt += 1;
      const minMs = this.dialect === "classic" ? 2e3 : 100;
      const isResumable = this.session !== void 0 && Date.now() - this.lostAt < RESUMABLE_MS;
      const mostMs = isResumable ? RESUMABLE_WAIT_MS : void 0;
      const delayMs = Math.round(this.drainMs === void 0 || this.attempt > 1 ? backoff(this.attempt, minMs, mostMs) : Math.random() * this.drainMs);
      this.drainMs = void 0;
      this.setState(this.hasOpened ? "reconnecting" : "connecting");
      this.delegate.onReconnecting(this.attempt, delayMs);
      this.timer = setTimeout(() => void this.connect(), delayMs);
    }
    ping() {
      if (!this.isReady || !this.isV1)
        return false;
      this.write({ action: "ping" });
      return true;
    }
    onSilence() {
      const socket = this.socket;
      if (!socket)
        return;
      this.forget(socket);
      socket.close();
      void this.onClose(LOST, "nothing was heard", true, "v1");
    }
    /** Ends the session: the others are told at once. */
    close() {
      const socket = this.socket;
      if (socket) {
        this.forget(socket);
        socket.close(1e3);
      }
      this.finish();
    }
    finish() {
      this.session = void 0;
      this.setState("closed");
      clearTimeout(this.timer);
      this.liveness.stop();
      removeEventListener("online", this.onOnline);
      document.removeEventListener("visibilitychange", this.onVisible);
      this.waiting = [];
      this.unacked.clear();
    }
    setState(state) {
      if (this.state === state)
        return;
      this.state = state;
      this.delegate.onState(state);
    }
    // Speaking
    /**
     * Sends a message, or keeps it until the session is resumed. Without a session to resume nothing
     * is kept: connection ids will be others.
     */
    say(message) {
      if (this.state === "closed")
        return;
      if (!this.isReady) {
        if (this.session)
          this.waiting.push(message);
        return;
      }
      if (!this.isV1)
        return this.write(message);
      const ack = this.ackCount += 1;
      const whole = { ...message, ack };
      this.unacked.set(ack, whole);
      this.write(whole);
    }
    write(message) {
      if (this.socket?.readyState === WebSocket.OPEN)
        this.socket.send(JSON.stringify(message));
    }
    // Hearing
    onMessage(text) {
      this.liveness.heard();
      let message;
      try {
        message = JSON.parse(String(text));
      } catch {
        return;
      }
      if (!message || typeof message.type !== "string")
        return;
      const data = message.data ?? {};
      if (typeof message.seq === "number")
        this.seq = message.seq;
      this.hear(message.type, data);
      if (this.replayEnd !== void 0 && this.seq >= this.replayEnd)
        this.sayAgain();
    }
    hear(type, data) {
      switch (type) {
        case "welcome":
          return this.onWelcome(data);
        case "resumed":
          return this.onResumed(data);
        case "ack":
          this.unacked.delete(data.ack);
          return;
        case "error":
          return this.onError(data);
        case "token_expiring":
          void this.refresh();
          return;
        case "draining":
          this.drainMs = Number(data.reconnectWithinSeconds) * 1e3 || 0;
          return;
        case "pong":
          return;
        default:
          this.delegate.onEvent(type, data);
      }
    }
    onWelcome(welcome) {
      this.welcome = welcome;
      this.delegate.onWelcome(welcome);
      if (!this.session)
        this.beginAfresh();
    }
    beginAfresh() {
      const welcome = this.welcome;
      this.session = welcome?.session;
      this.seq = 0;
      this.waiting = [];
      this.unacked.clear();
      this.becomeReady();
      this.delegate.onFresh("v1", welcome);
    }
    onResumed(data) {
      this.session = data.session;
      this.becomeReady();
      this.replayEnd = data.seq;
      this.delegate.onResumed(data.connectionId);
    }
    /** The replay is over: what was not acked by then did not arrive. */
    sayAgain() {
      this.replayEnd = void 0;
      for (const message of this.unacked.values())
        this.write(message);
      for (const message of this.waiting.splice(0))
        this.say(message);
    }
    onError(data) {
      if (data.code === "resume_failed")
        return this.beginAfresh();
      const refused = this.unacked.get(data.ack);
      this.unacked.delete(data.ack);
      if (data.code === "unknown_target")
        return;
      if (data.action === "refresh-token")
        return this.refreshLater(new Error(String(data.message)));
      const isJoin = refused?.action === "join-room";
      this.delegate.onProblem({
        message: `The server refused ${String(data.action)}: ${String(data.message)}`,
        reason: String(data.code),
        final: isJoin
      });
      if (isJoin)
        this.close();
    }
    // Tokens
    async refresh() {
      const socket = this.socket;
      try {
        const token = await this.getToken();
        if (this.socket !== socket || !this.isReady)
          return;
        this.refreshAttempt = 0;
        this.write({ action: "refresh-token", token });
      } catch (err) {
        this.refreshLater(err);
      }
    }
    refreshLater(err) {
      if (this.isClosed())
        return;
      this.refreshAttempt += 1;
      this.delegate.onProblem({ message: messageOf(err), final: false, err });
      const socket = this.socket;
      setTimeout(() => {
        if (this.socket === socket && this.isReady)
          void this.refresh();
      }, backoff(this.refreshAttempt, 1e3));
    }
  };
  function messageOf(err) {
    return err instanceof Error ? err.message : String(err);
  }

  // src/stats.ts
  var FAIR = { rttMs: 200, lossRatio: 0.03 };
  var POOR = { rttMs: 450, lossRatio: 0.1 };
  var Meter = class {
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
    const lost = Math.max(0, now.lost - last.lost);
    const all = lost + Math.max(0, now.received - last.received);
    if (all > 0)
      figures.lossRatio = lost / all;
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
        pair ?? (pair = entry);
    });
    return pair;
  }
  function isRelayed(report, pair) {
    return ["localCandidateId", "remoteCandidateId"].some(
      (name) => report.get(pair?.[name])?.candidateType === "relay"
    );
  }

  // src/store.ts
  var SessionStore = class {
    constructor(name) {
      this.key = `usher-session:${name}`;
    }
    take() {
      try {
        const text = sessionStorage.getItem(this.key);
        sessionStorage.removeItem(this.key);
        const kept = text ? JSON.parse(text) : void 0;
        const isWhole = kept && typeof kept.id === "string" && typeof kept.session === "string" && typeof kept.seq === "number";
        return isWhole ? kept : void 0;
      } catch {
        return void 0;
      }
    }
    put(kept) {
      try {
        sessionStorage.setItem(this.key, JSON.stringify(kept));
      } catch {
      }
    }
  };

  // src/client.ts
  var BUFFERED_MAX = 16 << 20;
  var WebRtcClient = class {
    /** @throws TypeError for an option that cannot be right, by its name. */
    constructor(options) {
      this.options = options;
      this.emitter = new Emitter();
      this.meters = /* @__PURE__ */ new Map();
      this.isResumedPage = false;
      this.isClosed = false;
      /** Either the page comes back and goes on, or the others are told at once that it is gone. */
      this.onPageHide = (event) => {
        const { session, seq } = this.socket;
        if (this.store && session)
          this.store.put({ id: this.id, session, seq });
        else if (!this.store && !event.persisted)
          this.close();
      };
      check(options);
      this.roomId = options.sessionId;
      const keep = options.keepSession;
      this.store = keep ? new SessionStore(typeof keep === "string" ? keep : options.sessionId) : void 0;
      const kept = this.store?.take();
      this.id = options.id ?? kept?.id ?? randomID();
      const address = new Address(options.signallingServer);
      const getToken = options.getToken ?? sessionToken(address, options.sessionId, options.clientId);
      this.ice = new IceServers(address, getToken, options, (servers) => {
        for (const peer of this.mesh.peers.values())
          peer.configure({ iceServers: servers });
      });
      this.media = new LocalMedia(options.video, options.stream, {
        onStream: () => this.onStream(),
        onNoMedia: (err) => this.emit("noMedia", { err }),
        onScreenShareEnded: () => this.emit("screenShareEnded", {})
      });
      this.mesh = new Mesh(this.meshDelegate());
      this.peerConnections = this.mesh.peerConnections;
      this.peerInfo = this.mesh.peerInfo;
      this.socket = new SignalSocket(
        address,
        options.clientId,
        getToken,
        options.dialect ?? "auto",
        this.socketDelegate()
      );
      addEventListener("pagehide", this.onPageHide);
      const isMine = kept && kept.id === this.id;
      this.isResumedPage = Boolean(isMine);
      void Promise.resolve().then(() => this.start(isMine ? kept : void 0));
    }
    async start(kept) {
      await this.media.open();
      if (this.state !== "closed" && !this.isClosed)
        this.socket.start(kept);
    }
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
     * Sends to one peer over its data channel.
     *
     * @param peerId Peer id or connection id.
     * @returns false where there is no open channel to it, or too much waits already.
     */
    send(peerId, data) {
      const peer = this.mesh.find(peerId);
      return peer ? this.sendTo(peer, data) : false;
    }
    /** Sends to every peer. @returns to how many. */
    broadcast(data) {
      return [...this.mesh.peers.values()].filter((peer) => this.sendTo(peer, data)).length;
    }
    sendTo(peer, data) {
      const channel = peer.openChannel;
      if (!channel || channel.bufferedAmount > BUFFERED_MAX)
        return false;
      try {
        channel.send(data);
        return true;
      } catch {
        return false;
      }
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
    /** Sends a screen in place of the camera. Rejects where the user does not want to. */
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
      for (const peer of this.mesh.peers.values())
        void peer.send(stream);
      this.emit("localStream", { stream, sharing: this.media.isSharing });
    }
    // The path
    /** Figures about the connection with a peer; undefined where there is none. */
    async stats(peerId) {
      const peer = this.mesh.find(peerId);
      if (!peer || peer.isClosed)
        return void 0;
      const meter = this.meters.get(peer.info.peerId) ?? new Meter();
      this.meters.set(peer.info.peerId, meter);
      return meter.read(peer.connection);
    }
    /** Looks for another path to one peer, or to all. */
    restartIce(peerId) {
      const peers = peerId === void 0 ? [...this.mesh.peers.values()] : [this.mesh.find(peerId)];
      for (const peer of peers)
        peer?.restartIce();
    }
    /** Leaves for good. What the client opened is closed; no event comes after. */
    close() {
      if (this.isClosed)
        return;
      this.isClosed = true;
      removeEventListener("pagehide", this.onPageHide);
      this.emitter.close();
      this.socket.close();
      this.end();
    }
    end() {
      this.ice.close();
      this.mesh.close();
      this.media.close();
    }
    // The room
    join() {
      const name = this.options.name || (this.dialect === "v1" ? this.id.slice(0, 8) : "");
      this.socket.say({ action: "join-room", roomId: this.roomId, name, id: this.id });
    }
    onEvent(type, data) {
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
          this.meters.delete(left.peerId);
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
      for (const member of members) {
        if (this.isResumedPage)
          this.mesh.meetAgain(member, member.polite);
        else
          this.mesh.meet(member, member.polite);
      }
      this.isResumedPage = false;
      this.emit("room_state", { roomId: String(data.roomId), members });
    }
    // What the parts report
    socketDelegate() {
      return {
        onFresh: (dialect, welcome) => {
          this.dialect = dialect;
          this.connectionId = welcome?.connectionId;
          this.isResumedPage = false;
          this.mesh.uproot();
          this.join();
        },
        onResumed: (connectionId) => {
          this.dialect = "v1";
          this.connectionId = connectionId;
          if (this.isResumedPage)
            this.join();
          this.emit("resumed", { connectionId });
        },
        onWelcome: (welcome) => this.ice.learn(welcome),
        onEvent: (type, data) => this.onEvent(type, data),
        onState: (state) => {
          if (state === "closed" && !this.isClosed) {
            this.isClosed = true;
            removeEventListener("pagehide", this.onPageHide);
            queueMicrotask(() => this.end());
          }
        },
        onOpen: (dialect) => this.emit("socketOpen", { dialect }),
        onClosed: (closed) => this.emit("socketClosed", closed),
        onProblem: (problem) => this.emit("socketError", problem),
        onReconnecting: (attempt, delayMs) => this.emit("reconnecting", { attempt, delayMs })
      };
    }
    meshDelegate() {
      const of = (peer) => ({ connectionId: peer.info.connectionId, peerId: peer.info.peerId });
      return {
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
          payload: { ...message, offererId: this.id, name: this.options.name ?? null }
        }),
        onState: (peer) => {
          this.emit("peerConnectionStateChange", { ...of(peer), state: peer.info.state });
          const isOver = ["failed", "closed"].includes(peer.info.state);
          if (isOver && (!this.socket.isV1 || peer.link === void 0))
            this.lose(peer);
        },
        onCount: (peer) => this.emit("peerConnectionStateChange", { ...of(peer), state: peer.info.state }),
        onSendChannel: (peer, sendChannel) => this.emit("sendChannelOpen", { ...of(peer), sendChannel }),
        onReceiveChannel: (peer, receiveChannel) => this.emit("receiveChannelOpen", { ...of(peer), receiveChannel }),
        onTrack: (peer, event) => this.emit("trackAdded", { event, ...of(peer) }),
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
  function check(options) {
    const { sessionId, getToken, id, name } = options;
    if (typeof sessionId !== "string" || !sessionId) {
      throw new TypeError("sessionId must be the name of a room");
    }
    if (getToken !== void 0 && typeof getToken !== "function") {
      throw new TypeError("getToken must be a function that gives a token, or a promise of one");
    }
    if (id !== void 0 && (typeof id !== "string" || !id)) {
      throw new TypeError("id must be a text that is not empty");
    }
    if (name !== void 0 && name !== null && typeof name !== "string") {
      throw new TypeError("name must be a text");
    }
  }

  // src/global.ts
  globalThis.WebRtcClient = WebRtcClient;
})();
