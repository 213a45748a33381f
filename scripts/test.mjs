// `npm test`: set-up, build, every check, then the tests in every runtime. The last line is `N passed, N failed`.
//
//   npm test -- --only node24,deno     only these suites, without the checks
//   npm test -- --checks               only the checks
//   npm test -- codec-transform        the test files whose path contains this, in every suite (or in those of --only)
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { build } from './build.mjs'
import { ROOT, run } from './run.mjs'
import { installPackages } from './setup.mjs'
import { installSystemPackages } from './system-packages.mjs'

const VITEST = 'node_modules/vitest/vitest.mjs'
const NODE_24 = 'node_modules/.bin/node'
const NODE_22 = 'node_modules/node-22/bin/node'
const NODE_26 = 'node_modules/node-26/bin/node'

/**
 * For each suite, the command that runs vitest and the project of vitest.config.ts. The slowest suites come first, because
 * several run at a time.
 *
 * `parts` says how many tenths of the cases of long tests (node-tests/support/sample.ts) a suite runs when all suites run.
 *
 * @type {Record<string, { runner: string[], project: string, parts?: number, options?: string[], inMemory?: boolean, program?: string }>}
 */
const SUITES = {
  // It spends most of its time waiting for other processes.
  tools: { runner: [NODE_24], project: 'tools', options: ['--maxWorkers', '2'] },
  webkit: { runner: [NODE_24], project: 'webkit', parts: 1 },
  // Its IndexedDB syncs files in the browser's profile all the time. In memory, its backends take half the time.
  firefox: { runner: [NODE_24], project: 'firefox', parts: 1, inMemory: true },
  chromium: { runner: [NODE_24], project: 'chromium', parts: 1 },
  // It stores on the disk. The other runtimes store in memory, so that they do not wait for the disk.
  node24: { runner: [NODE_24], project: 'node', parts: 2 },
  node22: { runner: [NODE_22], project: 'node', parts: 1, inMemory: true },
  deno: { runner: ['deno', 'run', '-A', '--no-remote', '--no-lock'], project: 'node', parts: 1, inMemory: true },
  // Bun deadlocks in vitest's default pool of child processes.
  bun: { runner: ['bun', '--bun'], project: 'node', parts: 1, options: ['--pool', 'threads'], inMemory: true },
  polyfill: { runner: [NODE_24], project: 'polyfill', parts: 1 },
  // The next version: what uses only web APIs.
  node26: { runner: [NODE_26], project: 'portable', parts: 1 },
  // Not vitest, but a program that takes the same arguments.
  workerd: { runner: [NODE_24], project: 'workerd', parts: 1, program: 'scripts/test-workerd.mjs' },
}

/** Much longer than they take, so that a busy machine is not mistaken for a hang. */
const SUITE_TIMEOUT_MS = 900_000
const CHECK_TIMEOUT_MS = 300_000
/** One for each of the two cores that all of it is meant for. With a third, browsers miss the times that pages set them. */
const AT_ONCE = 2
/** What processes and threads load is compiled once. A thread that starts from the sources then takes half the CPU time. */
const environment = { NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'combstream-compiled') }

/** A file system in memory, if there is one with room for a browser's profile and a hive. Containers often have a small one. */
const MEMORY = '/dev/shm'
const MEMORY_MIN_BYTES = 1_000_000_000

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Outcome
 * @typedef {Outcome & { name: string, seconds: number }} Row
 */

const { values, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, checks: { type: 'boolean', default: false } },
})
const only = values.only?.split(',')
for (const name of only ?? []) {
  if (!(name in SUITES)) {
    console.error(`unknown suite ${name}: choose from ${Object.keys(SUITES).join(', ')}`)
    process.exit(2)
  }
}
const withChecks = values.checks || (only === undefined && filters.length === 0)
const suites = values.checks && only === undefined ? [] : (only ?? Object.keys(SUITES))
const reports = mkdtempSync(join(tmpdir(), 'combstream-'))
process.on('exit', () => rmSync(reports, { recursive: true, force: true }))

// On a new machine each of them takes half a minute, in which it mostly waits for the network and for the disk.
const systemPackages = suites.length > 0 ? installSystemPackages() : new Map()
await installPackages()
/** @type {Row[]} */
const rows = [await timed('build', buildStep)]
const unavailable = await systemPackages

// Suites that are run by themselves run all cases.
const shares = sharesOf(only === undefined ? suites.filter((name) => !unavailable.has(name)) : [])
/** @type {(() => Promise<Row>)[]} */
const steps = []
for (const name of suites) {
  const advice = unavailable.get(name)
  if (advice === undefined) steps.push(() => timed(name, () => suite(name)))
  else if (process.env['CI']) steps.push(() => timed(name, () => failure(name, `cannot run: ${advice}`)))
  else console.log(`Skipping ${name}: ${advice}`)
}
if (withChecks) {
  // Those that take longest are first there, too.
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  for (const name of Object.keys(scripts).filter((key) => key.startsWith('check:'))) {
    steps.push(() => timed(name, () => check(name)))
  }
}
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let step = steps.shift(); step; step = steps.shift()) rows.push(await step())
  }),
)

printTable(rows)
const total = (/** @type {'passed' | 'failed'} */ key) => rows.reduce((sum, row) => sum + row[key], 0)
process.exitCode = total('failed') > 0 ? 1 : 0
console.log(`${total('passed')} passed, ${total('failed')} failed`)

/**
 * @param {string} name
 * @param {() => Outcome | Promise<Outcome>} step
 * @returns {Promise<Row>}
 */
async function timed(name, step) {
  const start = performance.now()
  const result = await step()
  const seconds = (performance.now() - start) / 1000
  console.log(`${result.failed > 0 ? '✗' : '✓'} ${name} (${seconds.toFixed(1)} s)`)
  return { name, ...result, seconds }
}

async function buildStep() {
  try {
    await build()
    return { passed: 1, failed: 0, skipped: 0 }
  } catch (error) {
    return failure('build', error instanceof Error ? error.message : String(error))
  }
}

/**
 * Deals the parts of long tests out to the suites that run, as vitest.config.ts reads them. Together they run all parts.
 *
 * @param {string[]} names
 */
function sharesOf(names) {
  const dealt = names.flatMap((name) => Array.from({ length: SUITES[name]?.parts ?? 0 }, () => name))
  const partsOf = (/** @type {string} */ name) => [...dealt.keys()].filter((part) => dealt[part] === name)
  return new Map([...new Set(dealt)].map((name) => [name, `${partsOf(name).join()}/${dealt.length}`]))
}

/** @param {string} name a script of package.json */
async function check(name) {
  const { code, timedOut, output } = await run(['npm', 'run', '--silent', name], { timeoutMs: CHECK_TIMEOUT_MS })
  if (code === 0) return { passed: 1, failed: 0, skipped: 0 }
  return failure(name, timedOut ? `${output}\ntook more than ${CHECK_TIMEOUT_MS / 1000} s` : output)
}

/**
 * @param {string} name
 * @param {number} attempt
 * @returns {Promise<Outcome>}
 */
async function suite(name, attempt = 1) {
  const {
    runner,
    project,
    options = [],
    inMemory = false,
    program = VITEST,
  } = /** @type {typeof SUITES[string]} */ (SUITES[name])
  const report = join(reports, `${name}-${attempt}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const narrowed = filters.length > 0 ? ['--passWithNoTests', ...filters] : []
  const { code, timedOut, output } = await run(
    [...runner, program, 'run', '--project', project, ...options, ...reporters, ...narrowed],
    {
      timeoutMs: SUITE_TIMEOUT_MS,
      environment: {
        ...environment,
        ...(inMemory && hasMemory() && { TMPDIR: MEMORY }),
        ...(shares.has(name) && { COMBSTREAM_SHARE: /** @type {string} */ (shares.get(name)) }),
      },
    },
  )
  const result = readReport(report)
  if (code === 0 && result && result.failed === 0) return result
  // Runtimes and browsers sometimes hang or fail to start. A failed test is never run again.
  if (attempt === 1 && (timedOut || !result?.started)) {
    console.log(`${name} ${timedOut ? 'hung' : 'did not start'}; trying once more. Its output:\n${indent(output)}`)
    return suite(name, 2)
  }
  const text = timedOut ? `${output}\ntook more than ${SUITE_TIMEOUT_MS / 1000} s` : output
  const { passed, skipped, failed } = { ...failure(name, text), ...result }
  return { passed, skipped, failed: Math.max(failed, 1) }
}

function hasMemory() {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    return bavail * bsize >= MEMORY_MIN_BYTES
  } catch {
    return false // there is none
  }
}

/** @param {string} path */
function readReport(path) {
  /** @type {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} */
  let report
  try {
    report = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined // the runner exited before it wrote a report
  }
  const counts = { passed: 0, failed: 0, skipped: 0, started: false }
  for (const file of report.testResults) {
    for (const { status } of file.assertionResults) {
      counts.started = true
      if (status === 'passed') counts.passed++
      else if (status === 'failed') counts.failed++
      else counts.skipped++
    }
    // A file that did not load, or whose hooks failed, does not count as a failed test by itself.
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) counts.failed++
  }
  return counts
}

/**
 * @param {string} name
 * @param {string} text
 */
function failure(name, text) {
  console.log(`\n──── ${name} failed\n${indent(text)}\n`)
  return { passed: 0, failed: 1, skipped: 0 }
}

/** Indents the output of a command, so that no line of it can be mistaken for the last line. @param {string} text */
function indent(text) {
  return stripVTControlCharacters(text).trim().replaceAll(/^/gm, '  ')
}

/** @param {Row[]} table */
function printTable(table) {
  const width = Math.max(...table.map(({ name }) => name.length))
  console.log(`\n${'suite'.padEnd(width)}  passed  failed  skipped  seconds`)
  for (const { name, passed: yes, failed: no, skipped, seconds } of table) {
    const cells = [String(yes).padStart(6), String(no).padStart(6), String(skipped || '').padStart(7)]
    console.log([name.padEnd(width), ...cells, seconds.toFixed(1).padStart(7)].join('  '))
  }
}
