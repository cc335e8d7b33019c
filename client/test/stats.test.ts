import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { meter } from '../src/stats.js';

type Entry = { id: string; type: string } & Record<string, unknown>;

/** A connection whose reports are these, one after the other. */
function reporting(...reports: Entry[][]): () => RTCPeerConnection {
  const getStats = (): Promise<Map<string, Entry>> =>
    Promise.resolve(new Map(reports.shift()!.map((entry) => [entry.id, entry])));
  return () => ({ getStats }) as unknown as RTCPeerConnection;
}

const path = (id: string, bytes: number): Entry[] => [
  { id: 'T', type: 'transport', selectedCandidatePairId: id },
  { id, type: 'candidate-pair', currentRoundTripTime: 0.02, bytesReceived: bytes,
    bytesSent: bytes, localCandidateId: 'L' },
  { id: 'L', type: 'local-candidate', candidateType: 'relay' },
];
const media = (bytes: number, packets: number): Entry[] => [
  { id: 'I', type: 'inbound-rtp', bytesReceived: bytes, packetsReceived: packets, packetsLost: 0,
    jitter: 0.003 },
  { id: 'O', type: 'outbound-rtp', bytesSent: bytes },
  { id: 'R', type: 'remote-inbound-rtp', roundTripTime: 0.5 },
];
const pause = (): Promise<void> => new Promise((done) => { setTimeout(done, 5); });

describe('figures of a connection', () => {
  test('are of its path, and rates since the last time', async () => {
    const read = meter(reporting(
      [...path('P', 1000), ...media(10, 1)], [...path('P', 500_000), ...media(20, 9)]));
    const first = await read();
    assert.deepEqual([first.rttMs, first.jitterMs, first.relayed, first.quality],
      [20, 3, true, 'good']);
    assert.equal(first.bitrateInKbps, undefined);
    await pause();
    const second = await read();
    assert(second.bitrateInKbps! > 0 && second.bitrateOutKbps! > 0);
    assert.equal(second.lossRatio, 0);
  });

  test('count anew on another path, and say no rate that is none', async () => {
    const read = meter(reporting(path('P', 900_000), path('Q', 1000), path('Q', 500_000)));
    await read();
    await pause();
    assert.equal((await read()).bitrateInKbps, undefined);
    await pause();
    assert((await read()).bitrateInKbps! > 0);
  });

  test('count what comes over another pair than the one that is sent over', async () => {
    const reports = (more: Entry[]): Entry[][] => [1000, 500_000].map((bytes) => [
      { id: 'T', type: 'transport', selectedCandidatePairId: 'P',
        ...(more.length ? {} : { bytesReceived: bytes + 20, bytesSent: bytes }) },
      { id: 'P', type: 'candidate-pair', bytesReceived: 20, bytesSent: bytes },
      ...more.map((pair) => ({ ...pair, bytesReceived: bytes })), ...media(7, 1),
    ]);
    for (const more of [[], [{ id: 'Q', type: 'candidate-pair', bytesSent: 20 }]]) {
      const read = meter(reporting(...reports(more)));
      await read();
      await pause();
      const { bitrateInKbps, bitrateOutKbps } = await read();
      assert(bitrateInKbps! > 0);
      assert.equal(bitrateInKbps, bitrateOutKbps);
    }
  });

  test('are of the media where the browser tells of no path', async () => {
    const read = meter(reporting(media(1000, 1), media(500_000, 400)));
    const first = await read();
    assert.deepEqual([first.rttMs, first.relayed, first.quality], [500, false, 'poor']);
    await pause();
    const second = await read();
    assert(second.bitrateInKbps! > 0 && second.bitrateOutKbps! > 0);
  });

  test('are none where nothing is told', async () => {
    const { rttMs, quality, bitrateInKbps, jitterMs } = await meter(reporting([]))();
    assert.deepEqual([rttMs, quality, bitrateInKbps, jitterMs],
      [undefined, 'unknown', undefined, undefined]);
  });
});
