import type { PeerStats } from './types.js';

// The DOM's types know little of what a report holds.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Entry = any;

const inMs = (seconds: number | undefined): number | undefined =>
  seconds && Math.round(seconds * 1000);

/** Turns the browser's counters into figures for people; rates are since the last time. */
export function meter(connection: () => RTCPeerConnection): () => Promise<PeerStats> {
  let last: number[] | undefined;
  let path: string | undefined;
  return async () => {
    // The DOM's types do not know that it is a map.
    const report = await connection().getStats() as Map<string, Entry>;
    const entries = [...report.values()];
    const pair = selectedPair(report, entries);
    // Another path counts anew.
    if (path !== pair?.id) last = undefined;
    path = pair?.id;
    const all = (type: string, name: string): number[] =>
      entries.flatMap((entry) => (entry.type === type ? entry[name] ?? [] : []));
    const sum = (type: string, name: string): number =>
      all(type, name).reduce((one, other) => one + other, 0);
    const inbound = 'inbound-rtp';
    const packetsReceived = sum(inbound, 'packetsReceived');
    const packetsLost = sum(inbound, 'packetsLost');
    // Each side may send over another pair than the one that the other has selected. Of Firefox's
    // transports no bytes are told, and once a path was looked for anew perhaps of no pair either.
    const bytes = (name: string, rtp: string): number =>
      sum('transport', name) || sum('candidate-pair', name) || sum(rtp, name);
    const now = [performance.now(), bytes('bytesReceived', inbound),
      bytes('bytesSent', 'outbound-rtp'), packetsReceived, packetsLost];
    // Nothing has changed since the first time.
    const [ms, bytesIn, bytesOut, received, lost] =
      now.map((value, index) => Math.max(0, value - (last ?? now)[index]!)) as [
        number, number, number, number, number];
    last = now;
    const kbps = (bytes: number): number | undefined =>
      (ms ? Math.round((bytes * 8) / ms) : undefined);
    const rttMs = inMs(pair?.currentRoundTripTime ?? all('remote-inbound-rtp', 'roundTripTime')[0]);
    const lossRatio = lost + received ? lost / (lost + received) : undefined;
    const jitters = all(inbound, 'jitter');
    return {
      packetsReceived, packetsLost, rttMs, lossRatio,
      jitterMs: jitters.length ? inMs(Math.max(...jitters)) : undefined,
      bitrateInKbps: kbps(bytesIn), bitrateOutKbps: kbps(bytesOut),
      relayed: [pair?.localCandidateId, pair?.remoteCandidateId]
        .some((id) => report.get(id)?.candidateType === 'relay'),
      quality: rttMs === undefined ? 'unknown' : quality(rttMs, lossRatio),
    };
  };
}

function quality(rttMs: number, lossRatio = 0): PeerStats['quality'] {
  const isOver = (ms: number, ratio: number): boolean => rttMs > ms || lossRatio > ratio;
  return isOver(450, 0.1) ? 'poor' : isOver(200, 0.03) ? 'fair' : 'good';
}

function selectedPair(report: Map<string, Entry>, entries: Entry[]): Entry {
  const [pair] = entries.flatMap(({ selectedCandidatePairId: id }) => report.get(id) ?? []);
  return pair ?? entries.find(({ type, selected, nominated }) =>
    type === 'candidate-pair' && (selected || nominated));
}
