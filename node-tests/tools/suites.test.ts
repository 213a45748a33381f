import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../../scripts/run.mjs'
import { commandOf, dealShares, FOLDERS, leftOut, leftToOthers, type Suite, SUITES } from '../../scripts/suites.mjs'
import type { Dealt, Share } from '../support/sample.ts'

type Folder = keyof typeof FOLDERS

const NAMES = Object.keys(SUITES)
const ENGINES = { V8: 'node24', JavaScriptCore: 'bun', SpiderMonkey: 'firefox' }

/** What hosts bring along, which tests in `language` and `simulated` must not depend on. */
const HOST =
  /\b(fetch|Response|Request|setTimeout|setInterval|MessageChannel|BroadcastChannel|Worker|WorkerPool|caches)\(/
const HOST_IMPORT =
  /from '(node:|\.\.\/\.\.\/src\/(http(?!\/client\/(event-parser|reading-pace)\.ts)|platform|browser|service-worker|backends\/(?!memory|tiered)))/

/** Returns what a suite leaves out. */
function excludedBy(suite: Suite, isWhole: boolean): string[] {
  return commandOf(suite, { isWhole, report: 'r', filters: [] })
    .filter((part) => part.startsWith('--exclude='))
    .map((part) => part.slice('--exclude='.length))
}

function filesOf(...folders: Folder[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, FOLDERS[folder])).map((name) => `${FOLDERS[folder]}/${name}`),
  )
}

function everyPart(shares: Iterable<Record<string, Share>>, folder: string): number[] {
  return [...new Set([...shares].flatMap((share) => share[folder]?.parts ?? []))].toSorted((a, b) => a - b)
}

describe('suites that share the files of a folder', () => {
  const folders = Object.keys(FOLDERS) as Folder[]
  const sharing = (folder: Folder): Suite[] => Object.values(SUITES).filter(({ turns }) => turns?.[folder])

  it.each(folders.filter((folder) => sharing(folder).length > 0))('%s: run each of them in one suite', (folder) => {
    const files = readdirSync(join(ROOT, FOLDERS[folder])).filter((name) => name.endsWith('.test.ts'))
    const run = sharing(folder).flatMap((suite) => {
      const excluded = excludedBy(suite, false)
      return files.filter((name) => !excluded.includes(`${FOLDERS[folder]}/${name}`))
    })
    expect(run.toSorted()).toEqual(files.toSorted())
  })

  it('are Node 22 and Node 26, and of portable tests also the polyfill', () => {
    const { node22, node26, polyfill } = SUITES
    expect(folders.map(sharing).filter((suites) => suites.length > 0)).toEqual([
      [node22, node26, polyfill],
      [node22, node26],
    ])
  })

  it('run the same part of the cases of a long test', () => {
    const shares = dealShares(NAMES)
    expect(shares.get('node22')).toEqual(shares.get('node26'))
    expect(shares.get('node22')!['portable']).toEqual(shares.get('polyfill')!['portable'])
  })
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

it('every folder of tests is run by a suite, `language` by one runtime of each engine, and `portable` by every host', () => {
  const ran = new Set(Object.values(SUITES).flatMap(({ parts }) => Object.keys(parts)))
  expect(ran).toEqual(new Set(Object.keys(FOLDERS)))
  expect(NAMES.filter((name) => 'language' in SUITES[name]!.parts).toSorted()).toEqual(
    Object.values(ENGINES).toSorted(),
  )
  const hosts = ['node24', 'deno', 'bun', 'workerd', 'chromium', 'firefox', 'webkit']
  expect(hosts.filter((name) => !leftToOthers(SUITES[name]!, 'portable').length)).toEqual(hosts)
  expect(hosts.filter((name) => 'portable' in SUITES[name]!.parts)).toEqual(hosts)
  const folders = readdirSync(join(ROOT, 'node-tests'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .filter(({ name }) => readdirSync(join(ROOT, 'node-tests', name)).some((file) => file.endsWith('.test.ts')))
  expect(folders.map(({ name }) => `node-tests/${name}`).toSorted()).toEqual(
    Object.values(FOLDERS)
      .filter((path) => path.startsWith('node-tests/'))
      .toSorted(),
  )
})

it('a suite leaves out the folders and files that others run, and none of them with --whole', () => {
  expect(excludedBy(SUITES['deno']!, true)).toEqual([])
  expect(excludedBy(SUITES['node22']!, true)).toEqual([])
  expect(excludedBy(SUITES['deno']!, false)).toEqual([
    'node-tests/simulated/**',
    'node-tests/language/**',
    'node-tests/tools/**',
    'browser-tests/**',
  ])
})

it('a suite runs each file that it is asked for', () => {
  const asked = commandOf(SUITES['node22']!, { isWhole: false, report: 'r', filters: ['http-url'] })
  expect(asked.filter((part) => part.endsWith('.test.ts'))).toEqual([])
})

it.each(filesOf('simulated', 'language'))('%s uses nothing in which hosts differ', (file) => {
  const text = readFileSync(join(ROOT, file), 'utf8')
  expect(HOST.exec(text)?.[0]).toBe(undefined)
  expect(HOST_IMPORT.exec(text)?.[0]).toBe(undefined)
})

it.each(filesOf('simulated'))('%s chooses the clock and the random numbers', (file) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toMatch(/from '\.\.\/support\/(virtual-host|store-schedules)\.ts'/)
})
