import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { parseSync } from 'oxc-parser'
import { expect, test } from 'vitest'
import { ROOT } from '../../scripts/run.mjs'
import * as errors from '../../src/errors.ts'

const { exports } = JSON.parse(readFileSync(`${ROOT}jsr.json`, 'utf8')) as { exports: Record<string, string> }

/** Entry points that are imported for their side effects. They export no names, so no error classes. */
const SCRIPTS = ['./polyfill', './rsync-worker']
const classes = new Map<string, unknown>(Object.entries(errors))
const entries = Object.entries(exports).filter(([key]) => !SCRIPTS.includes(key))

test.each(entries)('`%s` exports the error classes that it throws', async (_, path) => {
  const exported = (await import(`${ROOT}${path}`)) as Record<string, unknown>
  const missing = thrownFrom(posix.normalize(path)).filter((name) => exported[name] !== classes.get(name))
  expect(missing).toEqual([])
})

test('errors are found at any depth of imports', () => {
  expect(thrownFrom('src/backends/memory.ts')).toEqual(['BackendError'])
  expect(thrownFrom('src/index.ts')).toEqual(expect.arrayContaining(['ConflictError', 'FormatError', 'NotFoundError']))
})

/** Returns the error classes that a file constructs, or any file whose code it loads. */
function thrownFrom(entry: string): string[] {
  const seen = new Set<string>()
  const found = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    const text = readFileSync(`${ROOT}${path}`, 'utf8')
    for (const [, name] of text.matchAll(/\bnew (\w+)\(/g)) found.add(name!)
    const { staticImports, staticExports, dynamicImports } = parseSync(path, text).module
    const targets = [
      ...staticImports.filter(({ entries: names }) => names.length === 0 || names.some(({ isType }) => !isType)),
      ...staticExports.flatMap(({ entries: names }) => names.filter(({ isType }) => !isType)),
    ].map(({ moduleRequest }) => moduleRequest?.value)
    const computed = dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1))
    for (const target of [...targets, ...computed]) {
      if (target?.startsWith('.')) visit(posix.join(posix.dirname(path), target))
    }
  }
  visit(entry)
  return [...classes.keys()].filter((name) => found.has(name))
}
