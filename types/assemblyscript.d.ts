// The part of the AssemblyScript compiler's API that tools/build.ts calls. tsconfig.server.json
// maps the package to this file: its own declarations replace the global `console` and break every
// caller.
interface CompileResult {
  readonly error: Error | null;
}

export function main(
  argv: readonly string[],
  options: { readonly stderr: { write(text: string): void } },
): Promise<CompileResult>;
