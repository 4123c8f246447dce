/** Who is signed in, as the server says. */
export interface Session {
  account: string;
  name: string;
  role: string;
}

/** Why signing in did not succeed. */
export type SignInFailure = 'wrong' | 'too-many' | 'unreachable' | { detail: string };

const address = '/api/v1/session';

/** A network that is gone must not hold up the next attempt for as long as a browser waits by itself, in milliseconds. */
const answersWithin = 8000;

/** The session that this browser's cookie stands for; undefined when nobody is signed in. Throws when the server cannot be reached. */
export async function currentSession(): Promise<Session | undefined> {
  const response = await fetch(address, {
    headers: { Accept: 'application/json' },
    signal: AbortSignal.timeout(answersWithin),
  });
  if (response.status === 401) return undefined;
  if (!response.ok) throw new Error(`asking for the session: ${response.status}`);
  return (await response.json()) as Session;
}

/** Signs in. Returns undefined when it succeeded. */
export async function signIn(account: string, password: string): Promise<SignInFailure | undefined> {
  let response: Response;
  try {
    response = await fetch(address, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ account, password }),
    });
  } catch {
    return 'unreachable';
  }
  if (response.ok) return undefined;
  if (response.status === 401) return 'wrong';
  if (response.status === 429) return 'too-many';
  if (response.status >= 502) return 'unreachable';
  return { detail: await problemDetail(response) };
}

/**
 * Signs out, and sets the presence to signed out. Returns whether the server refused because of a contact that is not
 * finished. A server that cannot be reached is no reason to stay: the cookie ends by itself.
 */
export async function signOut(): Promise<boolean> {
  try {
    const response = await fetch(address, { method: 'DELETE' });
    return response.status === 409;
  } catch {
    return false;
  }
}

/** The words of a problem (RFC 9457), if there are any. */
async function problemDetail(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { title?: string; detail?: string };
    return problem.detail ?? problem.title ?? '';
  } catch {
    return '';
  }
}
