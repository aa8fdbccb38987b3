/** The session of the page, and every change of it. */
import { useSyncExternalStore } from 'react';
import { currentSession, subscribeSession, type Session } from '../api/session.ts';

export function useSession(): Session {
  return useSyncExternalStore(subscribeSession, currentSession);
}
