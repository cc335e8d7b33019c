/** Finds out whether a connection is alive: a browser may not notice for minutes. */
export declare class Liveness {
    #private;
    private readonly ping;
    private readonly onSilence;
    /**
     * @param ping Asks the other side for a sign of life; false where there is nobody to ask.
     * @param onSilence Nothing came back.
     */
    constructor(ping: () => boolean, onSilence: () => void);
    heard(): void;
    check(): void;
    forgetPing(): void;
    stop(): void;
}
