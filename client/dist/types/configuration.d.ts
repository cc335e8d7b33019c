/** Makes a connection, as `new RTCPeerConnection` does. */
export declare type Create = (configuration: RTCConfiguration) => RTCPeerConnection;
/** A connection with those ICE servers that the browser takes; `onRefused` hears of the others. */
export declare function connect(create: Create, configuration: RTCConfiguration, onRefused: (err: unknown) => void): RTCPeerConnection;
/** As `setConfiguration`, with those ICE servers that the browser takes. */
export declare function configure(create: Create, connection: RTCPeerConnection, iceServers: RTCIceServer[]): void;
