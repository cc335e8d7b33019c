/** Makes a connection, as `new RTCPeerConnection` does. */
export type Create = (configuration: RTCConfiguration) => RTCPeerConnection;

/** A connection with those ICE servers that the browser takes; `onRefused` hears of the others. */
export function connect(
  create: Create, configuration: RTCConfiguration, onRefused: (err: unknown) => void,
): RTCPeerConnection {
  try {
    return create(configuration);
  } catch (err) {
    const { usable, refused } = sift(create, configuration.iceServers ?? []);
    if (!refused.length) throw err;
    const connection = create({ ...configuration, iceServers: usable });
    refused.forEach(onRefused);
    return connection;
  }
}

/** As `setConfiguration`, with those ICE servers that the browser takes. */
export function configure(
  create: Create, connection: RTCPeerConnection, iceServers: RTCIceServer[],
): void {
  const others = connection.getConfiguration();
  try {
    connection.setConfiguration({ ...others, iceServers });
  } catch {
    connection.setConfiguration({ ...others, iceServers: sift(create, iceServers).usable });
  }
}

/** Tries each URL by itself: one that the browser refuses, it refuses with all others. */
function sift(
  create: Create, servers: RTCIceServer[],
): { usable: RTCIceServer[]; refused: Error[] } {
  const refused: Error[] = [];
  const usable = servers.flatMap((server) => [server.urls].flat().map(
    (urls) => ({ ...server, urls }))).filter((server) => {
    try {
      create({ iceServers: [server] }).close();
      return true;
    } catch (err) {
      refused.push(new Error(`The ICE server ${server.urls} cannot be used: ${String(err)}`));
      return false;
    }
  });
  return { usable, refused };
}
