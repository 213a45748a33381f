import { readFileSync } from 'node:fs'

/** The first line of a block that is a file: `// player.js`, `<!-- index.html -->`. */
const NAMED_BLOCK = /^```\w+\n(?:\/\/|<!--) ([\w.-]+)(?: -->)?\n([^]*?)^```$/gm

/** The files that a page of the documentation contains, by their names. */
export function docBlocks(path: string): Map<string, string> {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  return new Map(Array.from(text.matchAll(NAMED_BLOCK), ([, name, content]) => [name!, content!]))
}
