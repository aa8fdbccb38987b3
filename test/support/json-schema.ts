// Says in words where a value breaks a schema of an OpenAPI 3.1 document: the keywords that such
// documents of ours use, an unknown one throws, so that nothing is passed over in silence.

export interface Schema {
  readonly [keyword: string]: unknown;
}

/** Say nothing about which values are right. */
const NOTES = new Set(['description', 'example', 'examples', 'format', 'default', 'title']);

type Check = (rule: never, value: unknown, path: string, schema: Schema) => readonly string[];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return typeOf(value) === type;
}

export class SchemaChecker {
  readonly #definitions: Readonly<Record<string, Schema>>;
  readonly #checks: Readonly<Record<string, Check>>;

  /** `definitions` are what `#/components/schemas/NAME` refers to. */
  constructor(definitions: Readonly<Record<string, Schema>>) {
    this.#definitions = definitions;
    this.#checks = {
      $ref: (name: string, value, path) => this.problems(this.#resolve(name), value, path),
      type: (type: string, value, path) =>
        hasType(value, type) ? [] : [`${path} is of type ${typeOf(value)}, not ${type}`],
      enum: (allowed: readonly unknown[], value, path) =>
        allowed.includes(value) ? [] : [`${path} is ${String(value)}, none of ${allowed.join()}`],
      properties: (of: Record<string, Schema>, value, path) =>
        isObject(value)
          ? Object.entries(of).flatMap(([name, schema]) =>
              name in value ? this.problems(schema, value[name], `${path}.${name}`) : [],
            )
          : [],
      required: (names: readonly string[], value, path) =>
        isObject(value)
          ? names.filter((name) => !(name in value)).map((name) => `${path}.${name} is missing`)
          : [],
      additionalProperties: (rule: boolean | Schema, value, path, schema) =>
        this.#others(rule, value, path, schema),
      items: (of: Schema, value, path) =>
        Array.isArray(value)
          ? value.flatMap((item, i) => this.problems(of, item, `${path}[${i}]`))
          : [],
      minimum: (least: number, value, path) =>
        typeof value === 'number' && value < least ? [`${path} is less than ${least}`] : [],
      maximum: (most: number, value, path) =>
        typeof value === 'number' && value > most ? [`${path} is more than ${most}`] : [],
      minItems: (count: number, value, path) =>
        Array.isArray(value) && value.length < count ? [`${path} has too few items`] : [],
      maxItems: (count: number, value, path) =>
        Array.isArray(value) && value.length > count ? [`${path} has too many items`] : [],
      anyOf: (of: readonly Schema[], value, path) => this.#matches(of, value, path, Infinity),
      oneOf: (of: readonly Schema[], value, path) => this.#matches(of, value, path, 1),
    };
  }

  problems(schema: Schema, value: unknown, path = '$'): readonly string[] {
    return Object.entries(schema).flatMap(([keyword, rule]) => {
      if (NOTES.has(keyword)) return [];
      const check = this.#checks[keyword];
      if (check === undefined) throw new Error(`schema keyword ${keyword} is not understood`);
      return check(rule as never, value, path, schema);
    });
  }

  #resolve(reference: string): Schema {
    const found = this.#definitions[reference.replace('#/components/schemas/', '')];
    if (found === undefined) throw new Error(`${reference} is not defined`);
    return found;
  }

  #others(rule: boolean | Schema, value: unknown, path: string, schema: Schema): readonly string[] {
    if (!isObject(value) || rule === true) return [];
    const known = Object.keys(schema['properties'] ?? {});
    const others = Object.keys(value).filter((name) => !known.includes(name));
    if (rule === false) return others.map((name) => `${path}.${name} is not known`);
    return others.flatMap((name) => this.problems(rule, value[name], `${path}.${name}`));
  }

  #matches(of: readonly Schema[], value: unknown, path: string, most: number): readonly string[] {
    const tries = of.map((schema) => this.problems(schema, value, path));
    const count = tries.filter((problems) => problems.length === 0).length;
    if (count >= 1 && count <= most) return [];
    if (count > most) return [`${path} fits ${count} of the forms, only one is allowed`];
    return [`${path} fits none of ${of.length} forms: ${tries.map((t) => t[0]).join(' | ')}`];
  }
}
