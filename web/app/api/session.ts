/**
 * The token that this page signs its requests with. It lives as long as the tab, in no cookie: no
 * other page can make the browser send it.
 */
const KEY = 'orrery-token';
const CHANGED = 'orrery:session';

export interface Session {
  readonly token: string | undefined;
  /** The server refused a request because nothing, or nothing valid, was presented. */
  readonly isNeeded: boolean;
}

let session: Session = { token: sessionStorage.getItem(KEY) ?? undefined, isNeeded: false };

function change(next: Session): void {
  session = next;
  window.dispatchEvent(new Event(CHANGED));
}

export function currentSession(): Session {
  return session;
}

export function signIn(token: string): void {
  sessionStorage.setItem(KEY, token);
  change({ token, isNeeded: false });
}

export function signOut(): void {
  sessionStorage.removeItem(KEY);
  change({ token: undefined, isNeeded: true });
}

export function noteRefused(): void {
  if (!session.isNeeded) change({ ...session, isNeeded: true });
}

export function subscribeSession(onChange: () => void): () => void {
  window.addEventListener(CHANGED, onChange);
  return () => window.removeEventListener(CHANGED, onChange);
}

/** Headers of a request: what is asked for, and who asks. */
export function requestHeaders(): Readonly<Record<string, string>> {
  const { token } = session;
  const accept = { accept: 'application/json' };
  return token === undefined ? accept : { ...accept, authorization: `Bearer ${token}` };
}
