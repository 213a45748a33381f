import { readFileSync } from 'node:fs'

/** A block of code whose first line names a file: `// player.js`, `<!-- index.html -->`. */
const NAMED_BLOCK = /^```\w+\n(?:\/\/|<!--) ([\w.-]+)(?: -->)?\n([^]*?)^```$/gm

/** Returns the files in a page of the documentation, by name. */
export function docBlocks(path: string): Map<string, string> {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  return new Map(Array.from(text.matchAll(NAMED_BLOCK), ([, name, content]) => [name!, content!]))
}
