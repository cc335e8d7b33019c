import type { Address } from './address.js';
import type { Welcome } from './socket-types.js';
/** The STUN and TURN servers, with credentials that are renewed before they end. */
export declare class IceServers {
    #private;
    private readonly address;
    private readonly getToken;
    private readonly options;
    private readonly onChange;
    constructor(address: Address, getToken: () => Promise<string>, options: {
        iceServers?: RTCIceServer[];
    }, onChange: (servers: RTCIceServer[]) => void);
    get servers(): RTCIceServer[];
    learn(welcome: Welcome): void;
    close(): void;
}
