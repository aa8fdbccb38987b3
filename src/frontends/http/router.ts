// From (method, path) to a row of the route table: a map for fixed paths, a short list for paths
// with parameters. Paths are compared after percent-decoding of each segment, so an encoded slash
// stays inside its segment.
import { assert } from '../../stdx/assert.ts';
import { AppError } from '../../model/errors.ts';
import type { PathParams } from './answer.ts';
import { routePaths } from './route.ts';
import { nativeErrors } from './errors.ts';
import type { ErrorShape, Route } from './route.ts';

export interface RouteMatch {
  readonly route: Route;
  readonly params: PathParams;
}

/** No row at all, or a row with other methods (for 405 and `Allow`). */
export interface RouteMiss {
  readonly allowed: readonly string[];
  /** Of the protocol whose paths are nearest. */
  readonly errors: ErrorShape;
}

const NO_PARAMS: PathParams = new Map();

interface Pattern {
  readonly segments: readonly string[];
  /** The last one takes all that is left. */
  readonly hasRest: boolean;
  readonly byMethod: Map<string, Route>;
}

export class Router {
  readonly #fixed = new Map<string, Map<string, Route>>();
  readonly #patterns = new Map<string, Pattern>();
  readonly #rows: (readonly [string, Route])[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) for (const path of routePaths(route)) this.#add(path, route);
  }

  #add(path: string, route: Route): void {
    assert(path.startsWith('/'), () => `route path ${path} is absolute`);
    let byMethod = this.#fixed.get(path) ?? this.#patterns.get(path)?.byMethod;
    if (byMethod === undefined) {
      byMethod = new Map();
      const segments = path.split('/');
      const hasRest = segments.at(-1)!.startsWith('*');
      if (/\/[:*]/.test(path)) this.#patterns.set(path, { segments, hasRest, byMethod });
      else this.#fixed.set(path, byMethod);
    }
    assert(!byMethod.has(route.method), () => `route ${route.method} ${path} is unique`);
    byMethod.set(route.method, route);
    this.#rows.push([path, route]);
  }

  /** `path` is raw, without the query string. */
  find(method: string, path: string): RouteMatch | RouteMiss {
    const wanted = method === 'HEAD' ? 'GET' : method;
    const trimmed = withoutTrailingSlash(path);
    const fixed = this.#fixed.get(path) ?? this.#fixed.get(trimmed);
    if (fixed !== undefined) return pick(fixed, wanted, NO_PARAMS);
    const segments = trimmed.split('/');
    for (const pattern of this.#patterns.values()) {
      const params = matchPattern(pattern, segments);
      if (params !== undefined) return pick(pattern.byMethod, wanted, params);
    }
    return { allowed: [], errors: this.#nearest(segments) };
  }

  /**
   * A client that asks for a path of its protocol which is not here still gets its own error shape:
   * that of the row which shares the most leading segments.
   */
  #nearest(segments: readonly string[]): ErrorShape {
    let errors: ErrorShape = nativeErrors;
    let most = 1;
    for (const [path, route] of this.#rows) {
      const own = path.split('/');
      let shared = 0;
      while (shared < segments.length && own[shared] === segments[shared]) shared++;
      if (shared <= most) continue;
      most = shared;
      errors = route.errors;
    }
    return errors;
  }
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function pick(
  byMethod: Map<string, Route>,
  method: string,
  params: PathParams,
): RouteMatch | RouteMiss {
  const route = byMethod.get(method);
  if (route !== undefined) return { route, params };
  const allowed = [...byMethod.keys()].flatMap((m) => (m === 'GET' ? ['GET', 'HEAD'] : [m]));
  // A path belongs to one protocol whatever the method.
  const [first] = byMethod.values();
  return { allowed, errors: first?.errors ?? nativeErrors };
}

function matchPattern(
  { segments: pattern, hasRest }: Pattern,
  segments: readonly string[],
): PathParams | undefined {
  const count = hasRest ? pattern.length - 1 : pattern.length;
  if (hasRest ? segments.length < count : segments.length !== count) return undefined;
  // Most patterns are of other paths: nothing is made for them.
  for (let i = 0; i < count; i++) {
    const isParam = pattern[i]!.startsWith(':') && segments[i] !== '';
    if (!isParam && pattern[i] !== segments[i]) return undefined;
  }
  const params = new Map<string, string>();
  for (let i = 0; i < count; i++)
    if (pattern[i]!.startsWith(':') && segments[i] !== '')
      params.set(pattern[i]!.slice(1), decodeSegment(segments[i]!));
  if (hasRest) params.set(pattern[count]!.slice(1), segments.slice(count).join('/'));
  return params;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    const message = `the path segment "${segment}" is not valid percent-encoding`;
    throw new AppError('invalid', 'path-encoding', message, { cause: error });
  }
}
