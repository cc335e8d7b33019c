import type { Address } from './address.js';
import type { Welcome } from './socket-types.js';
/** The STUN and TURN servers, with credentials that are renewed before they end. */
export declare class IceServers {
    private readonly address;
    private readonly getToken;
    private readonly options;
    private readonly onChange;
    private learnt;
    private timer;
    private isClosed;
    constructor(address: Address, getToken: () => Promise<string>, options: {
        iceServers?: RTCIceServer[];
    }, onChange: (servers: RTCIceServer[]) => void);
    get servers(): RTCIceServer[];
    learn(welcome: Welcome): void;
    /** Times are the server's, in seconds: this computer's clock may be wrong. */
    private take;
    private renew;
    close(): void;
}
