// Ranges of addresses as settings name them: `10.0.0.0/8`, `fd00::/8`, or one address.
import { BlockList, isIP } from 'node:net';
import { SettingError } from './kinds.ts';

interface Range {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

function rangeOf(text: string): Range | undefined {
  const [address = '', bitsText, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return undefined;
  const bitsMax = version === 4 ? 32 : 128;
  if (bitsText !== undefined && !/^\d{1,3}$/.test(bitsText)) return undefined;
  const bits = bitsText === undefined ? bitsMax : Number(bitsText);
  if (bits > bitsMax) return undefined;
  return { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** Throws SettingError where the text is no range. */
export function checkSources(text: string): void {
  if (rangeOf(text) === undefined)
    throw new SettingError(`"${text}" is no range of addresses; expected e.g. 10.0.0.0/8 or ::1`);
}

/** Is an address in one of the ranges? One of IPv4 that comes over IPv6 is one of IPv4. */
export function sourceMatcher(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const text of ranges) {
    const range = rangeOf(text);
    if (range !== undefined) list.addSubnet(range.address, range.bits, range.family);
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
}
