/** A connection with those ICE servers that the browser takes; `onRefused` hears of the others. */
export declare function connect(configuration: RTCConfiguration, onRefused: (err: unknown) => void): RTCPeerConnection;
/** As `setConfiguration`, with those ICE servers that the browser takes. */
export declare function configure(connection: RTCPeerConnection, iceServers: RTCIceServer[]): void;
