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
export declare function playback(streams: () => MediaStream[], onBlocked: () => void): Playback;
export {};
