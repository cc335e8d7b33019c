import type { PeerStats } from './types.js';

interface Sample {
  at: number;
  bytesIn: number;
  bytesOut: number;
  received: number;
  lost: number;
}

const FAIR = { rttMs: 200, lossRatio: 0.03 };
const POOR = { rttMs: 450, lossRatio: 0.1 };

/** Turns the browser's counters into figures for people. */
export class Meter {
  private last: Sample | undefined;

  async read(connection: RTCPeerConnection): Promise<PeerStats> {
    const report = await connection.getStats();
    const pair = selectedPair(report);
    const figures: PeerStats = { relayed: isRelayed(report, pair), quality: 'unknown' };
    const now: Sample = {
      at: performance.now(), bytesIn: pair?.bytesReceived ?? 0, bytesOut: pair?.bytesSent ?? 0,
      received: 0, lost: 0,
    };
    report.forEach((entry) => {
      if (entry.type !== 'inbound-rtp') return;
      now.received += entry.packetsReceived ?? 0;
      now.lost += entry.packetsLost ?? 0;
      if (typeof entry.jitter === 'number') {
        figures.jitterMs = Math.max(figures.jitterMs ?? 0, Math.round(entry.jitter * 1000));
      }
    });
    figures.packetsReceived = now.received;
    figures.packetsLost = now.lost;
    if (pair?.currentRoundTripTime !== undefined) {
      figures.rttMs = Math.round(pair.currentRoundTripTime * 1000);
    }
    if (this.last) compare(this.last, now, figures);
    this.last = now;
    figures.quality = pair ? quality(figures) : 'unknown';
    return figures;
  }
}

function compare(last: Sample, now: Sample, figures: PeerStats): void {
  const ms = now.at - last.at;
  if (ms <= 0) return;
  figures.bitrateInKbps = Math.max(0, Math.round(((now.bytesIn - last.bytesIn) * 8) / ms));
  figures.bitrateOutKbps = Math.max(0, Math.round(((now.bytesOut - last.bytesOut) * 8) / ms));
  const lost = Math.max(0, now.lost - last.lost);
  const all = lost + Math.max(0, now.received - last.received);
  if (all > 0) figures.lossRatio = lost / all;
}

function quality({ rttMs, lossRatio }: PeerStats): PeerStats['quality'] {
  if (rttMs === undefined) return 'unknown';
  const loss = lossRatio ?? 0;
  if (rttMs > POOR.rttMs || loss > POOR.lossRatio) return 'poor';
  return rttMs > FAIR.rttMs || loss > FAIR.lossRatio ? 'fair' : 'good';
}

// The DOM's types know little of what a report holds.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Entry = any;

function selectedPair(report: RTCStatsReport): Entry {
  let pair: Entry;
  report.forEach((entry) => {
    if (entry.type === 'transport' && entry.selectedCandidatePairId) {
      pair = report.get(entry.selectedCandidatePairId) ?? pair;
    }
  });
  if (pair) return pair;
  report.forEach((entry) => {
    if (entry.type === 'candidate-pair' && (entry.selected || entry.nominated)) pair ??= entry;
  });
  return pair;
}

function isRelayed(report: RTCStatsReport, pair: Entry): boolean {
  return ['localCandidateId', 'remoteCandidateId'].some(
    (name) => report.get(pair?.[name])?.candidateType === 'relay');
}
