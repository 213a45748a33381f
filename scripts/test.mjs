// `npm test`: set-up, build, every check, then the tests in every runtime. The last line is `N passed, N failed`.
//
//   npm test -- --only node24,deno     only these suites, without the checks
//   npm test -- --checks               only the checks
//   npm test -- codec-transform        the test files whose path contains this, in every suite (or in those of --only)
//   npm test -- --whole                every test and all of its cases in every runtime; scripts/suites.mjs says what else runs where
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { build } from './build.mjs'
import { ROOT, run } from './run.mjs'
import { installPackages } from './setup.mjs'
import { commandOf, dealShares, leftOut, SUITES } from './suites.mjs'
import { installSystemPackages } from './system-packages.mjs'

/** Much longer than they take, so that a busy machine is not mistaken for a hang. */
const SUITE_TIMEOUT_MS = 900_000
const WHOLE_SUITE_TIMEOUT_MS = 3_600_000
const CHECK_TIMEOUT_MS = 300_000
/** Suites: one for each of the two cores that all of it is meant for. With a third, browsers miss the times that pages set them. */
const AT_ONCE = 2
/** What processes and threads load is compiled once. A thread that starts from the sources then takes half the CPU time. */
const environment = {
  NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'combstream-compiled'),
  // V8 collects garbage and compiles on four threads by default. With both cores busy, they only get in each other's way.
  NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --v8-pool-size=1`.trim(),
}

/** A file system in memory, if there is one with room for a browser's profile and a hive. Containers often have a small one. */
const MEMORY = '/dev/shm'
const MEMORY_MIN_BYTES = 1_000_000_000

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Outcome
 * @typedef {Outcome & { name: string, seconds: number }} Row
 * @typedef {{ status: string, meta?: { dealt?: import('../node-tests/support/sample.ts').Dealt[] } }} Assertion
 */

const { values, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    checks: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
  },
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
const isWhole = values.whole || only !== undefined
const suiteTimeoutMs = isWhole ? WHOLE_SUITE_TIMEOUT_MS : SUITE_TIMEOUT_MS
const shares = isWhole ? new Map() : dealShares(suites.filter((name) => !unavailable.has(name)))
/** @type {import('../node-tests/support/sample.ts').Dealt[]} What the suites ran of long tests. */
const dealt = []
/** @type {(() => Promise<Row>)[]} */
const suiteSteps = []
/** @type {(() => Promise<Row>)[]} */
const checkSteps = []
for (const name of suites) {
  const advice = unavailable.get(name)
  if (advice === undefined) suiteSteps.push(() => timed(name, () => suite(name)))
  else if (process.env['CI']) suiteSteps.push(() => timed(name, () => failure(name, `cannot run: ${advice}`)))
  else console.log(`Skipping ${name}: ${advice}`)
}
if (withChecks) {
  // Those that take longest are first there, too.
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  for (const name of Object.keys(scripts).filter((key) => key.startsWith('check:'))) {
    checkSteps.push(() => timed(name, () => check(name)))
  }
}
const suitesRun = Promise.all(Array.from({ length: AT_ONCE }, () => takeFrom(suiteSteps)))
// A suite often waits, for a browser or a clock. The checks get that time.
await Promise.all([suitesRun.then(() => takeFrom(checkSteps)), takeFrom(checkSteps)])

if (shares.size > 0) rows.push(await timed('every case', everyCase))

printTable(rows)
const total = (/** @type {'passed' | 'failed'} */ key) => rows.reduce((sum, row) => sum + row[key], 0)
process.exitCode = total('failed') > 0 ? 1 : 0
console.log(`${total('passed')} passed, ${total('failed')} failed`)

/** Runs one step after the other, until the others have taken the rest. @param {(() => Promise<Row>)[]} steps */
async function takeFrom(steps) {
  for (let step = steps.shift(); step; step = steps.shift()) rows.push(await step())
}

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

/** Whether each case of the tests whose cases are dealt out ran in one suite at least. */
function everyCase() {
  const left = leftOut(dealt)
  return left.length === 0
    ? { passed: 1, failed: 0, skipped: 0 }
    : failure('every case', `ran in no suite: ${left.join('\n')}`)
}

/** Runs a check at a low priority, so that no suite waits for it. @param {string} name a script of package.json */
async function check(name) {
  const command = ['nice', '-n', '10', 'npm', 'run', '--silent', name]
  const { code, timedOut, output } = await run(command, { timeoutMs: CHECK_TIMEOUT_MS })
  if (code === 0) return { passed: 1, failed: 0, skipped: 0 }
  return failure(name, timedOut ? `${output}\ntook more than ${CHECK_TIMEOUT_MS / 1000} s` : output)
}

/**
 * @param {string} name
 * @param {number} attempt
 * @returns {Promise<Outcome>}
 */
async function suite(name, attempt = 1) {
  const row = /** @type {import('./suites.mjs').Suite} */ (SUITES[name])
  const report = join(reports, `${name}-${attempt}.json`)
  const { code, timedOut, output } = await run(commandOf(row, { isWhole, report, filters }), {
    timeoutMs: suiteTimeoutMs,
    environment: {
      ...environment,
      ...(row.inMemory && hasMemory() && { TMPDIR: MEMORY }),
      COMBSTREAM_SHARES: JSON.stringify(shares.get(name) ?? {}),
      COMBSTREAM_WHOLE: String(isWhole),
    },
  })
  const result = readReport(report)
  if (code === 0 && result && result.failed === 0) return result
  // Runtimes and browsers sometimes hang or fail to start. A failed test is never run again.
  if (attempt === 1 && (timedOut || !result?.started)) {
    console.log(`${name} ${timedOut ? 'hung' : 'did not start'}; trying once more. Its output:\n${indent(output)}`)
    return suite(name, 2)
  }
  const text = timedOut ? `${output}\ntook more than ${suiteTimeoutMs / 1000} s` : output
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
  /** @type {{ testResults: { status: string, assertionResults: Assertion[] }[] }} */
  let report
  try {
    report = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined // the runner exited before it wrote a report
  }
  const counts = { passed: 0, failed: 0, skipped: 0, started: false }
  for (const file of report.testResults) {
    for (const { status, meta } of file.assertionResults) {
      if (meta?.dealt) dealt.push(...meta.dealt)
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
