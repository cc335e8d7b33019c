interface Playback {
  /** Plays a stream in an element; `null` ends that. Resolves with whether it plays. */
  attach(el: HTMLMediaElement, stream: MediaStream | null): Promise<boolean>;
  play(el: HTMLMediaElement): Promise<boolean>;
  /** A peer's track came: listeners have put it into elements of the page, which may be blocked. */
  watch(track: MediaStreamTrack): void;
  /** To be called in a click or key press. Resolves with whether everything plays. */
  start(): Promise<boolean>;
}

/**
 * Browsers play no sound in a page that nobody has clicked in: says so, and begins again.
 *
 * @param streams What peers send.
 * @param onBlocked Something is not played; once until all of it is.
 */
export function playback(streams: () => MediaStream[], onBlocked: () => void): Playback {
  /** What the application, or the client, has handed over. */
  const attached = new Set<HTMLMediaElement>();
  const blocked = new Set<HTMLMediaElement>();
  let isTold = false;

  const play = async (el: HTMLMediaElement): Promise<boolean> => {
    try {
      await el.play();
      blocked.delete(el);
      return true;
    } catch (err) {
      // Anything else is no rule of the browser: another stream came, or the element is gone.
      if ((err as Error).name === 'NotAllowedError') {
        blocked.add(el);
        if (!isTold) {
          isTold = true;
          onBlocked();
        }
      }
      return false;
    }
  };

  /** At elements in the document that want to play and do not. */
  const look = (): void => {
    const all = globalThis.document?.querySelectorAll<HTMLMediaElement>('audio, video') ?? [];
    for (const el of all) {
      const isOurs = streams().includes(el.srcObject as MediaStream);
      if (isOurs && el.autoplay && el.paused) void play(el);
    }
  };

  return {
    play,
    attach: async (el, stream) => {
      if (el.srcObject !== stream) el.srcObject = stream;
      attached.delete(el);
      blocked.delete(el);
      if (!stream) return false;
      attached.add(el);
      (el as HTMLVideoElement).playsInline = true;
      return play(el);
    },
    watch: (track) => {
      setTimeout(look);
      track.addEventListener('unmute', look, { once: true });
    },
    start: async () => {
      // What is sent no more would never begin.
      const all = [...new Set([...blocked, ...attached])]
        .filter((el) => el.paused && (el.srcObject as MediaStream | null)?.active);
      blocked.clear();
      const plays = await Promise.all(all.map(play));
      isTold = blocked.size > 0;
      return plays.every(Boolean);
    },
  };
}
