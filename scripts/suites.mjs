// What `npm test` runs where. `npm test -- --whole` runs every test, and all of its cases, in every runtime that can run it.
//
// | folder                | what its tests depend on                           | where they run                      |
// |-----------------------|----------------------------------------------------|-------------------------------------|
// | node-tests/simulated  | nothing outside: memory, clock, random numbers,    | once, in Node 24                    |
// |                       | faults and the order of calls are the test's       |                                     |
// | node-tests/language   | the language alone                                 | one runtime of each engine          |
// | node-tests/portable   | what every host has, each in its own way: streams, | every host; a file in one of        |
// |                       | fetch, timers, cryptography, abort signals         | Node 22, Node 26 and the polyfill   |
// | node-tests/server     | files, processes, sockets, threads, SQLite         | Node 24, Deno, Bun, and in one of   |
// |                       |                                                    | Node 22 and Node 26                 |
// | node-tests/tools      | other programs, built files, browsers as programs  | once, in Node 24                    |
// | browser-tests         | pages, service workers, IndexedDB, OPFS            | the three browsers                  |
//
// The hosts are Node 24, Deno, Bun, workerd, Chromium, Firefox and WebKit. The oldest Node, the next one, and Node 24 without
// streams of its own differ from a host in one thing each.
//
// A test is in `language` if it could fail in one host and pass in another only because their engines differ. The engines
// are V8 (Node 24), JavaScriptCore (Bun) and SpiderMonkey (Firefox). The compiler holds all code to ES2023.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './run.mjs'

/** The folders of tests. */
export const FOLDERS = /** @type {const} */ ({
  simulated: 'node-tests/simulated',
  language: 'node-tests/language',
  portable: 'node-tests/portable',
  server: 'node-tests/server',
  tools: 'node-tests/tools',
  'browser-tests': 'browser-tests',
})

const VITEST = 'node_modules/vitest/vitest.mjs'
const NODE_24 = 'node_modules/.bin/node'
const NODE_22 = 'node_modules/node-22/bin/node'
const NODE_26 = 'node_modules/node-26/bin/node'

/**
 * @typedef {keyof typeof FOLDERS} Folder
 * @typedef {{ readonly of: number, readonly parts: readonly number[] }} Share as node-tests/support/sample.ts reads it
 *
 * @typedef {object} Suite
 * @property {string[]} runner
 * @property {string} project The project of vitest.config.ts.
 * @property {Partial<Record<Folder, number>>} parts The folders that it runs, and its part of the cases of their long tests:
 *   with 3 where another suite has 1, it runs three quarters of them.
 * @property {Partial<Record<Folder, string>>} [turns] Of a folder whose files are dealt out to several suites, which of them it
 *   runs: with `'2/3'` the second, the fifth, the eighth, …
 * @property {string[]} [options]
 * @property {boolean} [inMemory] Whether its temporary files are kept in memory.
 * @property {string} [program] Vitest by default.
 */

/**
 * The slowest suites come first, because several run at a time.
 *
 * @satisfies {Record<string, Suite>}
 */
const suites = {
  // It spends most of its time waiting for other processes.
  tools: { runner: [NODE_24], project: 'tools', parts: { tools: 1 }, options: ['--maxWorkers', '2'] },
  // Its IndexedDB syncs files in the browser's profile all the time. In memory, its backends take half the time.
  firefox: {
    runner: [NODE_24],
    project: 'firefox',
    parts: { language: 1, portable: 1, 'browser-tests': 1 },
    inMemory: true,
  },
  // It stores on the disk. The other runtimes store in memory, so that they do not wait for the disk.
  node24: { runner: [NODE_24], project: 'node', parts: { simulated: 1, language: 10, portable: 1, server: 5 } },
  webkit: { runner: [NODE_24], project: 'webkit', parts: { portable: 1, 'browser-tests': 1 } },
  chromium: { runner: [NODE_24], project: 'chromium', parts: { portable: 1, 'browser-tests': 1 } },
  bun: {
    runner: ['bun', '--bun'],
    project: 'node',
    parts: { language: 9, portable: 1, server: 1 },
    // Bun deadlocks in vitest's default pool of child processes.
    options: ['--pool', 'threads'],
    inMemory: true,
  },
  deno: {
    runner: ['deno', 'run', '-A', '--no-remote', '--no-lock'],
    project: 'node',
    parts: { portable: 1, server: 1 },
    inMemory: true,
  },
  // The oldest Node and the next one differ little from Node 24, which runs all.
  node22: {
    runner: [NODE_22],
    project: 'node',
    parts: { portable: 1, server: 1 },
    turns: { portable: '1/3', server: '1/2' },
    inMemory: true,
  },
  node26: {
    runner: [NODE_26],
    project: 'node',
    parts: { portable: 1, server: 1 },
    turns: { portable: '2/3', server: '2/2' },
    inMemory: true,
  },
  // A host without streams of its own.
  polyfill: { runner: [NODE_24], project: 'polyfill', parts: { portable: 1 }, turns: { portable: '3/3' } },
  // Not vitest, but a program that takes the same arguments.
  workerd: { runner: [NODE_24], project: 'workerd', parts: { portable: 1 }, program: 'scripts/test-workerd.mjs' },
}

/** @type {Readonly<Record<string, Suite>>} */
export const SUITES = suites

/**
 * Returns the files of a folder that a suite leaves to others whose turn they are.
 *
 * @param {Suite} suite
 * @param {Folder} folder
 */
export function leftToOthers({ turns }, folder) {
  const [turn = 1, of = 1] = turns?.[folder]?.split('/').map(Number) ?? []
  const files = readdirSync(join(ROOT, FOLDERS[folder])).filter((name) => name.endsWith('.test.ts'))
  return files
    .toSorted()
    .filter((_, index) => index % of !== turn - 1)
    .map((name) => `${FOLDERS[folder]}/${name}`)
}

/**
 * Returns the command that runs a suite.
 *
 * @param {Suite} suite
 * @param {{ isWhole: boolean, report: string, filters: readonly string[] }} options
 */
export function commandOf(suite, { isWhole, report, filters }) {
  const { runner, project, program = VITEST, options = [], parts } = suite
  const folders = /** @type {Folder[]} */ (Object.keys(FOLDERS))
  const left = folders.flatMap((folder) => {
    if (!(folder in parts)) return [`${FOLDERS[folder]}/**`]
    return filters.length === 0 ? leftToOthers(suite, folder) : []
  })
  return [
    ...runner,
    program,
    'run',
    `--project=${project}`,
    ...options,
    ...(isWhole ? [] : left.map((path) => `--exclude=${path}`)),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...(filters.length > 0 ? ['--passWithNoTests', ...filters] : []),
  ]
}

/**
 * Deals the cases of long tests out to the suites that run, folder by folder. Together they run all cases. Suites that share
 * the files of a folder each get the same share.
 *
 * @param {readonly string[]} names
 * @returns {Map<string, Record<string, Share>>} for each suite its shares by folder
 */
export function dealShares(names) {
  /** @type {Map<string, Record<string, Share>>} */
  const shares = new Map(names.map((name) => [name, {}]))
  for (const folder of /** @type {Folder[]} */ (Object.keys(FOLDERS))) {
    const together = names.filter((name) => SUITES[name]?.turns?.[folder])
    const dealt = names
      .filter((name) => !together.slice(1).includes(name))
      .flatMap((name) => Array.from({ length: SUITES[name]?.parts[folder] ?? 0 }, () => name))
    for (const name of names) {
      const dealer = together.includes(name) ? together[0] : name
      const parts = [...dealt.keys()].filter((part) => dealt[part] === dealer)
      const own = /** @type {Record<string, Share>} */ (shares.get(name))
      if (parts.length > 0) own[folder] = { of: dealt.length, parts }
    }
  }
  return shares
}

/**
 * Returns the long tests some of whose cases ran nowhere.
 *
 * @param {Iterable<import('../node-tests/support/sample.ts').Dealt>} dealt what the suites say that they ran
 */
export function leftOut(dealt) {
  /** @type {Map<string, Set<number>>} */
  const missing = new Map()
  for (const { file, of, cases, ran } of dealt) {
    const key = `${file}: of ${cases} cases in ${of} parts, part`
    const parts = missing.get(key) ?? new Set(Array.from({ length: of }, (_, part) => part))
    for (const part of ran) parts.delete(part)
    missing.set(key, parts)
  }
  return [...missing].filter(([, parts]) => parts.size > 0).map(([key, parts]) => `${key} ${[...parts].join()}`)
}
