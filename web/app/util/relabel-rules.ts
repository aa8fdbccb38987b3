/** Rules as YAML text. */

/** The rules in force with others behind them; where those are no plain list, the others alone. */
export function withRules(inForce: string, more: string): string {
  const lines = inForce.split('\n');
  const first = lines.find((line) => line.trim() !== '' && !line.startsWith('#'));
  if (first?.startsWith('-') !== true) return more;
  return `${inForce.trimEnd()}\n${more}`;
}
