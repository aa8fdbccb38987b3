// Metadata is about families; series of a family have its name, some with one of these behind it.

const SERIES_SUFFIX = /_(?:bucket|g?count|g?sum|total|created|info)$/;

/** All families that series of these names may belong to. */
export function familiesOfNames(names: readonly string[]): ReadonlySet<string> {
  const families = new Set(names);
  for (const name of names) families.add(name.replace(SERIES_SUFFIX, ''));
  return families;
}
