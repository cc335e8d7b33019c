/** Makes a connection, as `new RTCPeerConnection` does. */
export type Create = (configuration: RTCConfiguration) => RTCPeerConnection;

/**
 * Uses ICE servers, or else those that the browser takes.
 *
 * @param use Throws where the browser refuses any of them.
 * @param onRefused Hears of those that it refuses.
 */
export function useServers<Result>(
  create: Create, servers: RTCIceServer[], use: (servers: RTCIceServer[]) => Result,
  onRefused?: (err: Error) => void,
): Result {
  try {
    return use(servers);
  } catch (err) {
    const refused: Error[] = [];
    // Each URL by itself: one that the browser refuses, it refuses with all others.
    const usable = servers.flatMap((server) => [server.urls].flat().flatMap((urls) => {
      const one = { ...server, urls };
      try {
        create({ iceServers: [one] }).close();
        return one;
      } catch (reason) {
        refused.push(new Error(`The ICE server ${urls} cannot be used: ${reason}`));
        return [];
      }
    }));
    if (!refused.length) throw err;
    const result = use(usable);
    if (onRefused) refused.forEach(onRefused);
    return result;
  }
}
