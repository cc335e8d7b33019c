import type { Address } from './address';

/**
 * Whether there is a server of ours, which speaks v1. Asked before a token goes into a URL, where
 * the classic dialect wants it.
 *
 * @returns undefined where nobody answers.
 */
export async function speaksV1(address: Address): Promise<boolean | undefined> {
  const url = address.route('/.well-known/oauth-authorization-server');
  try {
    const answer = await fetch(url, { credentials: 'omit' });
    const metadata = answer.ok ? await answer.json() : undefined;
    return typeof metadata?.issuer === 'string';
  } catch {
    // Either nobody is there, or somebody who does not know of pages elsewhere.
  }
  try {
    await fetch(url, { credentials: 'omit', mode: 'no-cors' });
    return false;
  } catch {
    return undefined;
  }
}
