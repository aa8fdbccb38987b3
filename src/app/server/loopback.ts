// Is an address reachable from this machine only? On its own, so that the decision to start needs
// nothing of the HTTP door.

/** `host` as in settings: a name, an IPv4 or an IPv6 address without brackets. */
export function isLoopbackAddress(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
