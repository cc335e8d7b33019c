/** Where the signalling server is, for sockets and for requests. */
export declare class Address {
    #private;
    /** @throws TypeError for what is no URL that a page can connect to. */
    constructor(signallingServer?: string);
    /** The socket's URL; `token` stands in it in the classic dialect alone. */
    socket(parameters: {
        token?: string;
        client?: string;
    }): string;
    /**
     * A route of the HTTP service, below the path that a proxy has put before all of it: a last
     * `/signal` names the socket alone, beside which the others are.
     */
    route(path: string): string;
    /** Whether this is the socket's server, by what a broken policy of the page says. */
    isSocket(blocked: string): boolean;
}
