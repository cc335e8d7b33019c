/** Makes a connection, as `new RTCPeerConnection` does. */
export declare type Create = (configuration: RTCConfiguration) => RTCPeerConnection;
/**
 * Uses ICE servers, or else those that the browser takes.
 *
 * @param use Throws where the browser refuses any of them.
 * @param onRefused Hears of those that it refuses.
 */
export declare function useServers<Result>(create: Create, servers: RTCIceServer[], use: (servers: RTCIceServer[]) => Result, onRefused?: (err: Error) => void): Result;
