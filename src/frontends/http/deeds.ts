// What the audit log says of a delete of points, in the same words whatever protocol asked for it:
// the texts as they were sent, cut to a length.
import type { Deed } from '../../tenancy/audit.ts';
import { withoutSecrets } from '../../tenancy/token.ts';
import { DEED_TEXTS_MAX, DEED_TEXT_LENGTH_MAX } from './limits.ts';

function deedText(text: string): string {
  const told = withoutSecrets(text);
  return told.length > DEED_TEXT_LENGTH_MAX ? `${told.slice(0, DEED_TEXT_LENGTH_MAX)}…` : told;
}

export function deleteDeed(
  protocol: string,
  selectors: readonly string[],
  params: URLSearchParams,
): Deed {
  const time = (name: string): string | null => {
    const text = params.get(name);
    return text === null ? null : deedText(text);
  };
  const after = {
    protocol,
    selectorCount: selectors.length,
    selectors: selectors.slice(0, DEED_TEXTS_MAX).map(deedText),
    start: time('start'),
    end: time('end'),
  };
  return { action: 'points.delete', after };
}
