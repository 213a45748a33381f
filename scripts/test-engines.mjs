// Runs the tests of the store and of the hive on every engine. Each test makes its backends as if they were in memory, and
// gets one of the engine. They take too long for `npm test`, which runs them in memory; docs/architecture.md has the last result.
//
//   npm run build && node_modules/.bin/node scripts/test-engines.mjs              every engine
//   … directory postgres                                                          only these
//   … --whole                                                                     all cases of long tests on all engines
//   … --files store-collect                                                       only test files whose path contains this
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, run } from './run.mjs'
import { FOLDERS } from './suites.mjs'

/**
 * The engines, and the project of vitest.config.ts that they run in.
 *
 * @type {Record<string, { engine: string, project: string }>}
 */
const ENGINES = {
  directory: { engine: 'directory', project: 'node' },
  postgres: { engine: 'postgres', project: 'node' },
  s3: { engine: 's3', project: 'node' },
  'indexeddb-chromium': { engine: 'indexeddb', project: 'chromium' },
  'indexeddb-firefox': { engine: 'indexeddb', project: 'firefox' },
  'indexeddb-webkit': { engine: 'indexeddb', project: 'webkit' },
  'opfs-chromium': { engine: 'opfs', project: 'chromium' },
  'opfs-firefox': { engine: 'opfs', project: 'firefox' },
}
/** Test files, after their folders. Those that choose the order of all calls are left out: only memory lets them. */
const FILES = [FOLDERS.simulated, FOLDERS.language, FOLDERS.portable].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter(
      (name) =>
        /^(store-|hive-(local|watch|signature|entry)|healing|damage)/.test(name) && !name.includes('-schedules'),
    )
    .map((name) => `${folder}/${name}`),
)
/**
 * Parts of the names of tests that need what an engine does not have.
 *
 * @type {{ part: string, engines?: RegExp }[]}
 */
const EXCEPT = [
  // Two runs are equal only if all calls end in the same order.
  { part: 'is the only source of differences between two runs of a store' },
  // Only memory and files are read into a buffer of the caller.
  { part: 'gets blocks that the engine has in memory straight into its buffer', engines: /^(?!directory)/ },
  // It moves the clock, by which these engines give up calls that take too long.
  { part: 'even if it takes many times the stall timeout', engines: /^(postgres|s3)/ },
]
/** Of the cases of long tests, each engine but the first runs another tenth: all run in memory, by `npm test -- --whole`. */
const PARTS = 10
const TIMEOUT_MS = 7_200_000
const MEMORY = '/dev/shm'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', multiple: true, default: [''] },
    whole: { type: 'boolean', default: false },
  },
})
const files = FILES.filter((file) => values.files.some((part) => file.includes(part)))
const reports = mkdtempSync(join(tmpdir(), 'combstream-'))
process.on('exit', () => rmSync(reports, { recursive: true, force: true }))

console.log('| engine | passed | failed | minutes |\n|---|---|---|---|')
for (const name of positionals.length > 0 ? positionals : Object.keys(ENGINES)) {
  const row = ENGINES[name]
  if (!row) throw new Error(`unknown engine ${name}: choose from ${Object.keys(ENGINES).join(', ')}`)
  const report = join(reports, `${name}.json`)
  const start = performance.now()
  const part = Object.keys(ENGINES).indexOf(name)
  const share = { of: PARTS, parts: [part] }
  const shares = part > 0 && !values.whole ? { language: share, portable: share } : {}
  const except = EXCEPT.filter(({ engines }) => engines?.test(name) ?? true).map((each) => each.part)
  const { output } = await run(
    [
      'node',
      'node_modules/vitest/vitest.mjs',
      'run',
      '--config=vitest.engines.config.ts',
      `--project=${row.project}`,
      `--testNamePattern=^(?!.*(${except.join('|')}))`,
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...files,
    ],
    {
      timeoutMs: TIMEOUT_MS,
      environment: {
        COMBSTREAM_ENGINE: row.engine,
        COMBSTREAM_SHARES: JSON.stringify(shares),
        // Firefox syncs files all the time, which is what its own tests of IndexedDB are for.
        ...(row.project === 'firefox' && existsSync(MEMORY) && { TMPDIR: MEMORY }),
      },
    },
  )
  const minutes = ((performance.now() - start) / 60_000).toFixed(1)
  const result = read(report)
  console.log(
    `| ${name} | ${result?.numPassedTests ?? 0} | ${result?.numFailedTests ?? 'it did not end'} | ${minutes} |`,
  )
  if (result?.success) continue
  process.exitCode = 1
  console.error(result ? failures(result) : output)
}

/** @param {{ testResults: { name: string, message: string, assertionResults: { status: string, fullName: string, failureMessages: string[] }[] }[] }} result */
function failures({ testResults }) {
  return testResults
    .flatMap(({ name, message, assertionResults }) => [
      ...(message ? [`${name}\n${message}`] : []),
      ...assertionResults
        .filter(({ status }) => status === 'failed')
        .map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join('\n')}`),
    ])
    .join('\n\n')
}

/** @param {string} report */
function read(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return undefined
  }
}
