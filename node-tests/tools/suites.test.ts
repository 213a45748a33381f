import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../../scripts/run.mjs'
import { commandOf, dealShares, FOLDERS, leftOut, SUITES } from '../../scripts/suites.mjs'
import type { Dealt, Share } from '../support/sample.ts'

const NAMES = Object.keys(SUITES)
const ENGINES = { V8: 'node24', JavaScriptCore: 'bun', SpiderMonkey: 'firefox' }

/** What hosts bring along, which tests in `language` must not depend on. */
const HOST =
  /\b(fetch|Response|Request|setTimeout|setInterval|MessageChannel|BroadcastChannel|Worker|WorkerPool|caches)\(/
const HOST_IMPORT =
  /from '(node:|\.\.\/\.\.\/src\/(http(?!\/client\/(event-parser|reading-pace)\.ts)|platform|browser|service-worker|backends\/(?!memory|tiered)))/

function everyPart(shares: Iterable<Record<string, Share>>, folder: string): number[] {
  return [...new Set([...shares].flatMap((share) => share[folder]?.parts ?? []))].toSorted((a, b) => a - b)
}

it('two suites that run half of the files each run the same folders, with the same share', () => {
  const halves = Object.values(SUITES).filter(({ half }) => half)
  expect(halves.map(({ half }) => half)).toEqual(['1/2', '2/2'])
  const [first, second] = halves
  expect(first!.parts).toEqual(second!.parts)
  expect(first!.project).toBe(second!.project)
  const shares = dealShares(NAMES)
  expect(shares.get('node22')).toEqual(shares.get('node26'))
})

describe('the cases of long tests', () => {
  it('are dealt out completely, folder by folder, whichever suites run', () => {
    for (let chosen = 1; chosen < 2 ** NAMES.length; chosen++) {
      const names = NAMES.filter((_, index) => chosen & (1 << index))
      const shares = dealShares(names)
      for (const folder of Object.keys(FOLDERS)) {
        const parts = everyPart(shares.values(), folder)
        const of = [...shares.values()].find((share) => share[folder])?.[folder]?.of ?? 0
        expect(parts, `${folder} among ${names.join()}`).toEqual(Array.from({ length: of }, (_, part) => part))
        expect(of > 0, folder).toBe(names.some((name) => folder in SUITES[name]!.parts))
      }
    }
  })

  it('that ran in no suite are found', () => {
    const half = (file: string, ...ran: number[]): Dealt => ({ file, cases: 9, of: 3, ran })
    expect(leftOut([half('a', 0, 2), half('b', 1), half('a', 1, 0), half('b', 2)])).toEqual([
      'b: of 9 cases in 3 parts, part 0',
    ])
  })
})

it('every folder of tests is run by a suite, and `language` by one runtime of each engine', () => {
  const ran = new Set(Object.values(SUITES).flatMap(({ parts }) => Object.keys(parts)))
  expect(ran).toEqual(new Set(Object.keys(FOLDERS)))
  expect(NAMES.filter((name) => 'language' in SUITES[name]!.parts).toSorted()).toEqual(
    Object.values(ENGINES).toSorted(),
  )
  const folders = readdirSync(join(ROOT, 'node-tests'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .filter(({ name }) => readdirSync(join(ROOT, 'node-tests', name)).some((file) => file.endsWith('.test.ts')))
  expect(folders.map(({ name }) => `node-tests/${name}`).toSorted()).toEqual(
    Object.values(FOLDERS)
      .filter((path) => path.startsWith('node-tests/'))
      .toSorted(),
  )
})

it('a suite leaves out the folders that others run, and none of them with --whole', () => {
  const excluded = (isWhole: boolean): string[] =>
    commandOf(SUITES['deno']!, { isWhole, report: 'r', filters: [] }).filter((part) => part.startsWith('--exclude'))
  expect(excluded(true)).toEqual([])
  expect(excluded(false)).toContain('--exclude=node-tests/language/**')
  expect(excluded(false)).not.toContain('--exclude=node-tests/portable/**')
})

it.each(readdirSync(join(ROOT, FOLDERS.language)))('language/%s uses nothing in which hosts differ', (name) => {
  const text = readFileSync(join(ROOT, FOLDERS.language, name), 'utf8')
  expect(HOST.exec(text)?.[0]).toBe(undefined)
  expect(HOST_IMPORT.exec(text)?.[0]).toBe(undefined)
})
