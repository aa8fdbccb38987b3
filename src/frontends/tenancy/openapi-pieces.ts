// Pieces of the OpenAPI document that its files share: operations, parameters, schemas.
import { TENANT_ID_PATTERN } from '../../model/tenant.ts';

export type Json = Readonly<Record<string, unknown>>;

export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const json = (schema: Json): Json => ({ 'application/json': { schema } });

interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly body?: string;
  readonly answer: string;
  readonly status?: number;
  readonly parameters?: readonly Json[];
}

export function operation({
  id,
  summary,
  body,
  answer,
  status = 200,
  parameters,
}: Operation): Json {
  return {
    operationId: id,
    summary,
    ...(parameters && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: json(ref(body)) } }),
    responses: {
      [status]: { description: 'Done.', content: json(ref(answer)) },
      default: { description: 'Refused, and why.', content: json(ref('Error')) },
    },
  };
}

export const inPath = (name: string, schema: Json): Json => ({
  name,
  in: 'path',
  required: true,
  schema,
});
export const inQuery = (name: string, schema: Json): Json => ({ name, in: 'query', schema });

export function count(max: number, fallback: number): Json {
  return inQuery('limit', { type: 'integer', minimum: 1, maximum: max, default: fallback });
}

export const NAME = { type: 'string', pattern: TENANT_ID_PATTERN.source };
export const TENANT = inPath('tenant', NAME);
export const TEXT = { type: 'string' };
export const WHOLE = { type: 'integer' };
export const TIME = { type: 'string', format: 'date-time' };
export const TIME_OR_NONE = { anyOf: [TIME, { type: 'null' }] };
export const LABELS = { type: 'object', additionalProperties: TEXT };
/** An object with these fields, all of which are there unless named otherwise. */
export function object(
  properties: Json,
  required: readonly string[] = Object.keys(properties),
): Json {
  return { type: 'object', properties, required, additionalProperties: false };
}

export function list(items: Json): Json {
  return { type: 'array', items };
}
