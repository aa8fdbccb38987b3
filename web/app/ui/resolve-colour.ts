/**
 * Tokens as a canvas understands them. Custom properties keep `light-dark(…)` unresolved; a probe
 * element lets the browser compute the colour in the theme in force.
 */
export function resolveColours(names: readonly string[]): ReadonlyMap<string, string> {
  const probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  const colours = new Map<string, string>();
  for (const name of names) {
    probe.style.color = `var(${name})`;
    colours.set(name, getComputedStyle(probe).color);
  }
  probe.remove();
  return colours;
}
