import { within } from './within.js';

/** How long an answer may take. */
const PATIENCE_MS = 5_000;
/** The longest time that a server can have us wait with `Retry-After`. */
const RETRY_AFTER_MAX_MS = 60_000;

interface Reply {
  status: number;
  text: string;
  /** What the text is where it is JSON. */
  said: Record<string, any>;
  /** How long the server wants to be left alone. */
  leastMs: number;
  /** What its clock shows, in milliseconds. */
  now: number;
}

/** Asks the server; undefined where nothing answers. */
export function request(url: string, init: RequestInit): Promise<Reply | undefined> {
  const answer = fetch(url, { cache: 'no-store', ...init });
  return within(PATIENCE_MS, answer.then(read)).catch(() => undefined);
}

/** Posts a form to the server; undefined where nothing answers. */
export function post(
  url: string, credentials: RequestCredentials, form: Record<string, string | undefined>,
): Promise<Reply | undefined> {
  return request(url, { method: 'POST', body: fill(new URLSearchParams(), form), credentials });
}

async function read(answer: Response): Promise<Reply> {
  const text = (await answer.text()).trim();
  return {
    status: answer.status, text, said: parse(text),
    leastMs: retryAfter(answer.headers.get('Retry-After')),
    now: Date.parse(answer.headers.get('Date') ?? '') || Date.now(),
  };
}

/** Adds what is there. */
export function fill(
  to: URLSearchParams, values: Record<string, string | undefined>,
): URLSearchParams {
  for (const [name, value] of Object.entries(values)) if (value) to.set(name, value);
  return to;
}

/** In milliseconds, from seconds or a date (RFC 9110 §10.2.3). */
export function retryAfter(value: string | null): number {
  const ms = Number(value) * 1000 || Date.parse(value!) - Date.now() || 0;
  return Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}

/** The object that a text is, or an empty one. */
export function parse(text: string): Record<string, any> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
