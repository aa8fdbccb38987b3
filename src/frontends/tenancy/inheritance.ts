// What a token may give: a token that was created with another one has at most its rights.
// Restrictions of both hold; what would be more than the creator has is refused, not cut in
// silence.
import { AppError } from '../../model/errors.ts';
import type { TokenRecord } from '../../tenancy/records.ts';
import type { TokenDraft } from '../../tenancy/tenancy-store.ts';
import { FORCED_MATCHERS_MAX } from './limits.ts';
import { FieldError, pathTo } from './fields.ts';

/** Throws AppError forbidden, or FieldError where both cannot hold. */
export function narrowedBy(draft: TokenDraft, creator: TokenRecord): TokenDraft {
  const lacking = draft.permissions.find((one) => !creator.permissions.includes(one));
  if (lacking !== undefined)
    throw new AppError(
      'forbidden',
      'permission-not-held',
      `your token has not the permission "${lacking}" and cannot give it`,
    );
  const matchers = [...new Set([...creator.matchers, ...draft.matchers])];
  if (matchers.length > FORCED_MATCHERS_MAX)
    throw new FieldError(
      '/matchers',
      `and those of your token are more than ${FORCED_MATCHERS_MAX}`,
    );
  if (creator.application !== '' && !['', creator.application].includes(draft.application))
    throw new FieldError(
      '/application',
      `must be ${JSON.stringify(creator.application)}, your own`,
    );
  return {
    ...draft,
    matchers,
    labels: bothLabels(draft, creator),
    application: creator.application || draft.application,
    limits: lowerLimits(draft, creator),
    ...bound('minTUs', Math.max, draft, creator),
    ...bound('maxTUs', Math.min, draft, creator),
    ...bound('notBeforeMs', Math.max, draft, creator),
    ...bound('expiresMs', Math.min, draft, creator),
  };
}

function bothLabels(draft: TokenDraft, creator: TokenRecord): Readonly<Record<string, string>> {
  const labels = new Map(Object.entries(creator.labels));
  for (const [name, value] of Object.entries(draft.labels)) {
    const forced = labels.get(name);
    if (forced !== undefined && forced !== value)
      throw new FieldError(
        pathTo('/labels', name),
        `must be ${JSON.stringify(forced)}, which your token forces`,
      );
    labels.set(name, value);
  }
  return Object.fromEntries(labels);
}

function lowerLimits(draft: TokenDraft, creator: TokenRecord): TokenDraft['limits'] {
  const limits = new Map(Object.entries(creator.limits));
  for (const [id, value] of Object.entries(draft.limits))
    limits.set(id, Math.min(value, limits.get(id) ?? value));
  return Object.fromEntries(limits);
}

type Bound = 'minTUs' | 'maxTUs' | 'notBeforeMs' | 'expiresMs';

function bound(
  name: Bound,
  narrower: (a: number, b: number) => number,
  draft: TokenDraft,
  creator: TokenRecord,
): Partial<Record<Bound, number>> {
  const [a, b] = [draft[name], creator[name]];
  if (a === undefined && b === undefined) return {};
  return { [name]: narrower(a ?? b!, b ?? a!) };
}
