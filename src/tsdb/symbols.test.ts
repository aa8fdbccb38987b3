// Texts keep their symbols while the table grows, after a start and where numbers are used again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCaptured, SectionReader, sectionMemory } from './index-sections.ts';
import { Symbols } from './symbols.ts';

const SEED = 5;

function stored(symbols: Symbols): Symbols {
  const sections = symbols.capture().map((section) => {
    const bytes = sectionMemory(section.sizeBytes);
    return { name: section.name, bytes: readCaptured(section, 0, section.sizeBytes, bytes) };
  });
  return Symbols.fromSections(new SectionReader(sections), SEED);
}

/** Interns `count` texts of a kind, each new or known; their symbols. */
function interned(symbols: Symbols, kind: string, count: number): number[] {
  return Array.from({ length: count }, (_, n) => symbols.intern(`${kind} ${n * n}`));
}

test('a table that grows finds what it had, out of sections and with numbers used again', () => {
  const first = new Symbols(SEED);
  const old = interned(first, 'old', 1000);
  const copy = stored(first);
  for (const symbols of [first, copy]) {
    const gone = new Set(old.filter((_, n) => n % 3 === 0));
    symbols.sweep((symbol) => !gone.has(symbol));
    const again = interned(symbols, 'again', 600);
    assert.equal(again.filter((symbol) => gone.has(symbol)).length, gone.size);
    const later = interned(symbols, 'later', 5000);
    assert.equal(symbols.count, 1 + 1000 + 600 - gone.size + 5000);
    assert.deepEqual(interned(symbols, 'again', 600), again);
    assert.deepEqual(interned(symbols, 'later', 5000), later);
    for (const [n, symbol] of old.entries()) {
      assert.equal(symbols.find(`old ${n * n}`), gone.has(symbol) ? -1 : symbol);
    }
  }
});
