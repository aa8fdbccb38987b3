// The rules of every door of the process, from its settings.
import { hostName } from '../../frontends/http/guard.ts';
import type { GuardRules } from '../../frontends/http/guard.ts';
import type { Settings } from '../settings/flags.ts';
import { isLoopbackAddress } from './loopback.ts';

export function doorRules({ http, allowedHosts, corsOrigins }: Settings): GuardRules {
  return {
    loopbackOnly: isLoopbackAddress(http.host),
    allowedHosts: allowedHosts.map(hostName),
    corsOrigins,
  };
}
