import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ROOT } from '../../scripts/run.mjs'

/** Files that the build generates. */
const BUILT = ['src/rsync/kernel-binary.ts', 'src/store/codecs/kernel-binary.ts']

const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n').filter(Boolean)

/** Returns the names of source files and documents in a text: whole paths, ends of paths, and bare names. */
function namesIn(text: string): string[] {
  const names = text.matchAll(/(?<![\w:@./*-])(?:[\w.-]+\/)*[\w-]+(?:\.[\w-]+)*\.(?:ts|mjs|md)(?![\w/-])/g)
  return [...names].map(([name]) => name.replace(/^(?:\.\.?\/)+/, ''))
}

function exists(name: string): boolean {
  return [...tracked, ...BUILT].some((path) => path === name || path.endsWith(`/${name}`))
}

/** Returns only the text of comments: strings may name files that do not exist. */
function commentsIn(code: string): string {
  return code.match(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/g)?.join('\n') ?? ''
}

function missingIn(paths: string[], textOf: (file: string) => string): string[] {
  return paths.flatMap((path) => {
    const text = textOf(readFileSync(`${ROOT}/${path}`, 'utf8'))
    return namesIn(text).flatMap((name) => (exists(name) ? [] : [`${path} names ${name}`]))
  })
}

test('the name of a file that does not exist is reported', () => {
  const text = 'See `src/bytes/no-such-file.ts`, [this](../no-such.md), `bytes/collect.ts` and collect.ts.'
  expect(namesIn(text).filter((name) => !exists(name))).toEqual(['src/bytes/no-such-file.ts', 'no-such.md'])
  expect(commentsIn("/** See a.ts. */\nimport './b.ts' // and c.ts")).toBe('/** See a.ts. */\n// and c.ts')
})

test('every file that docs/ names exists', () => {
  const docs = tracked.filter((path) => /^docs\/.*\.md$/.test(path))
  expect(docs).not.toEqual([])
  expect(missingIn(docs, (text) => text)).toEqual([])
})

test('every file that a comment in the code names exists', () => {
  const code = tracked.filter((path) =>
    /^(?:src|scripts|node-tests|browser-tests|bench|model)\/.*\.(?:ts|mjs)$/.test(path),
  )
  const others = code.filter((path) => path !== 'node-tests/tools/named-paths.test.ts')
  expect(missingIn(others, commentsIn)).toEqual([])
})
