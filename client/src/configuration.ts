/** Makes a connection, as `new RTCPeerConnection` does. */
export type Create = (configuration: RTCConfiguration) => RTCPeerConnection;

/** A connection with those ICE servers that the browser takes; `onRefused` hears of the others. */
export function connect(
  create: Create, configuration: RTCConfiguration, onRefused: (err: unknown) => void,
): RTCPeerConnection {
  try {
    return create(configuration);
  } catch (err) {
    const refused: Error[] = [];
    const iceServers = sift(create, configuration.iceServers ?? [], refused);
    if (!refused.length) throw err;
    const connection = create({ ...configuration, iceServers });
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
    connection.setConfiguration({ ...others, iceServers: sift(create, iceServers) });
  }
}

/** Tries each URL by itself: one that the browser refuses, it refuses with all others. */
function sift(
  create: Create, servers: RTCIceServer[], refused: Error[] = [],
): RTCIceServer[] {
  return servers.flatMap((server) => [server.urls].flat().flatMap((urls) => {
    const one = { ...server, urls };
    try {
      create({ iceServers: [one] }).close();
      return one;
    } catch (err) {
      refused.push(new Error(`The ICE server ${urls} cannot be used: ${err}`));
      return [];
    }
  }));
}
