// What the other modules share.

/** The element of this id. */
export const $ = (id) => document.getElementById(id);

const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

/** Random letters and digits that are not easily taken for each other. */
export function randomText(length) {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** Keeps a text in this tab, or in this browser; undefined removes it. */
export function remember(key, text, storage = sessionStorage) {
  try {
    if (text === undefined) storage.removeItem(key);
    else storage.setItem(key, text);
  } catch {
    // Storage may be forbidden; then nothing is kept.
  }
}

export function recall(key, storage = sessionStorage) {
  try {
    return storage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** An element with a class and a text. */
export function element(tag, className = '', text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Shows a text; what stands between backticks is a command. */
export function tell(target, text) {
  target.replaceChildren(...text.split('`').map((part, index) =>
    (index % 2 ? element('code', '', part) : part)));
}

/** At most so many characters of a text, none of them in half. */
export function cut(text, most) {
  return [...text.slice(0, 2 * most)].slice(0, most).join('');
}

const TOAST_MS = 4_000;
let toastTimer;

/** Says that something was done, for a moment. */
export function toast(text) {
  clearTimeout(toastTimer);
  $('toast').textContent = text;
  toastTimer = setTimeout(() => { $('toast').textContent = ''; }, TOAST_MS);
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ['KiB', 'MiB', 'GiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}
