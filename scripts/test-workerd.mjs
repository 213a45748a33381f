// Runs the tests of simulated, language and portable in workerd, the runtime of Cloudflare Workers: bundled into one worker, with
// stand-ins for what they use of vitest. scripts/test.mjs starts it with the arguments of vitest, and reads the same report.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { setup } from '../node-tests/support/hive-server.ts'
import { ROOT } from './run.mjs'
import { FOLDERS } from './suites.mjs'

const require = createRequire(import.meta.url)
/** The version of workerd's behaviour. It lets workers compile WebAssembly while they start, and has Node's modules. */
const COMPATIBILITY_DATE = '2026-11-01'
/** Files that cannot run there. */
const LEFT_OUT = [
  'compare-bytes.test.ts', // tests a setting of vitest
  // They store an entry while they are loaded, when workerd gives no random numbers.
  'error-messages.test.ts',
  'http-manifest.test.ts',
]
const START_MS = 30_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: {
    exclude: { type: 'string', multiple: true, default: [] },
    'outputFile.json': { type: 'string' },
    project: { type: 'string' },
  },
})
const [, ...filters] = positionals
const report = values['outputFile.json']

const folder = mkdtempSync(join(tmpdir(), 'combstream-workerd-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const excluded = /** @type {string[]} */ (values.exclude)
const files = [FOLDERS.simulated, FOLDERS.language, FOLDERS.portable]
  .filter((tests) => !excluded.includes(`${tests}/**`))
  .flatMap((tests) =>
    readdirSync(join(ROOT, tests))
      .filter((name) => name.endsWith('.test.ts') && !LEFT_OUT.includes(name))
      .map((name) => `${tests}/${name}`),
  )
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(String(filter))))

/** @type {Record<string, unknown>} */
const provided = { shares: JSON.parse(process.env['COMBSTREAM_SHARES'] ?? '{}') }
const provide = (/** @type {string} */ key, /** @type {unknown} */ value) => (provided[key] = value)
const closeHive = await setup(/** @type {any} */ ({ provide }))
await bundleTests()
const { url, child } = await startWorker()
/** @typedef {{ file: string, name: string, status: 'passed' | 'failed' | 'skipped', message?: string, meta?: object }} Result */

/** @type {Result[]} */
const results = []
try {
  for (const name of await (await fetch(url)).json()) {
    for (const result of await runFile(name)) {
      results.push(result)
      if (result.status === 'failed') console.log(`FAIL ${name} > ${result.name}\n${result.message}\n`)
    }
  }
} finally {
  child.kill()
  await closeHive()
}
const count = (/** @type {Result['status']} */ status) => results.filter((result) => result.status === status).length
console.log(`workerd: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
if (typeof report === 'string') writeFileSync(report, JSON.stringify(reportOf(results)))
process.exitCode = count('failed') > 0 ? 1 : 0

/** Bundles the files into one module, each after a note of its name. */
async function bundleTests() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'jsr.json'), 'utf8'))
  const own = Object.entries(exports).map(([key, path]) => [`combstream${key.slice(1)}`, join(ROOT, String(path))])
  const note = (/** @type {string} */ name) =>
    `import { beginFile } from './vitest.ts'\nbeginFile(${JSON.stringify(name)})`
  await build({
    stdin: {
      contents: [
        `import './startup.ts'`,
        `import { worker } from './main.ts'`,
        ...files.flatMap((name) => [`import 'note:${name}'`, `import '../../${name}'`]),
        'export default worker',
      ].join('\n'),
      resolveDir: join(ROOT, 'node-tests/workerd'),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    target: 'es2023',
    external: ['node:*'],
    // package.json says that only a few files do something when they are imported.
    ignoreAnnotations: true,
    outfile: join(folder, 'worker.js'),
    alias: { vitest: join(ROOT, 'node-tests/workerd/vitest.ts'), ...Object.fromEntries(own.toReversed()) },
    // Some tests ask for it while they are loaded.
    define: { PROVIDED: JSON.stringify(provided) },
    logLevel: 'error',
    plugins: [
      {
        name: 'notes',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^note:/ }, ({ path }) => ({ path: path.slice(5), namespace: 'note' }))
          onLoad({ filter: /./, namespace: 'note' }, ({ path }) => ({
            contents: note(path),
            resolveDir: join(ROOT, 'node-tests/workerd'),
          }))
        },
      },
    ],
  })
}

async function startWorker() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address())
  probe.close()
  await once(probe, 'close')
  const config = join(folder, 'config.capnp')
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
     const config :Workerd.Config = (
       services = [
         (name = "main", worker = .worker),
         (name = "internet", network = (allow = ["private", "local"])),
       ],
       sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
     );
     const worker :Workerd.Worker = (
       modules = [(name = "worker", esModule = embed "worker.js")],
       compatibilityDate = "${COMPATIBILITY_DATE}",
     );`,
  )
  const started = spawn(require('workerd').default, ['serve', config], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const address = `http://127.0.0.1:${port}/`
  for (const begun = Date.now(); ;) {
    const answer = await fetch(address).catch(() => undefined)
    if (answer?.ok) return { url: address, child: started }
    if (started.exitCode !== null || Date.now() - begun > START_MS) throw new Error('workerd did not start')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/**
 * @param {string} name
 * @returns {Promise<Result[]>}
 */
async function runFile(name) {
  try {
    const answer = await fetch(`${url}${encodeURIComponent(name)}`)
    const text = await answer.text()
    if (!answer.ok) throw new Error(text)
    return JSON.parse(text)
  } catch (error) {
    return [{ file: name, name: basename(name), status: 'failed', message: String(error) }]
  }
}

/**
 * As vitest's reporter for JSON writes it.
 *
 * @param {Result[]} all
 */
function reportOf(all) {
  return {
    testResults: files.map((file) => {
      const own = all.filter((result) => result.file === file)
      const isFailed = own.some(({ status }) => status === 'failed')
      return {
        name: file,
        status: isFailed ? 'failed' : 'passed',
        assertionResults: own.map(({ name, status, meta }) => ({ title: name, status, meta })),
      }
    }),
  }
}
