// Builds the API reference from the doc comments (`html`), and checks that every public symbol has one (`lint`) and that
// every example in them runs (`examples`).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT, run } from './run.mjs'
import { installPackages } from './setup.mjs'
import { sourceFiles } from './source-files.mjs'

/** @type {{ exports: Record<string, string>, imports: Record<string, string> }} */
const jsr = JSON.parse(readFileSync(join(ROOT, 'jsr.json'), 'utf8'))

/** Much longer than needed, but below the time limit of a check in `npm test`. */
const TIMEOUT_MS = 240_000

/** @type {Readonly<Record<string, typeof lint>>} */
const MODES = { html: makeReference, lint, examples: runExamples }

const mode = MODES[process.argv[2] ?? '']
if (!mode) throw new Error(`choose one of ${Object.keys(MODES).join(', ')}`)
const { code, timedOut, output } = await mode()
// Deno would treat the `types` of tsconfig.json as packages, and not find them.
const lines = output.split('\n').filter((line) => !/Failed resolving types|@types\/node\/index\.d\.ts/.test(line))
console.log(lines.join('\n'))
if (timedOut) console.log(`deno took more than ${TIMEOUT_MS / 1000} s`)
process.exitCode = code === 0 ? 0 : 1

async function makeReference() {
  await installPackages()
  const command = ['deno', 'doc', '--html', '--name=combstream', '--output=docs/api', ...Object.values(jsr.exports)]
  return run(command, { timeoutMs: TIMEOUT_MS, environment: { NO_COLOR: '1' } })
}

function lint() {
  const command = ['deno', 'doc', '--lint', ...Object.values(jsr.exports)]
  return run(command, { timeoutMs: TIMEOUT_MS, environment: { NO_COLOR: '1' } })
}

/**
 * Maps `combstream/…` in examples to the sources. jsr.json cannot do that, because the package name has a scope there. Deno
 * checks the types of all entry points on the way, also of those without an example, so that `check:jsr` need not. It would
 * run each example in a thread of its own, which loads the sources again: that takes more CPU time than the check.
 */
async function runExamples() {
  const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
  try {
    const imports = { ...jsr.imports }
    for (const [key, path] of Object.entries(jsr.exports)) {
      imports[`combstream${key.slice(1)}`] = pathToFileURL(join(ROOT, path)).href
    }
    const map = join(folder, 'import-map.json')
    writeFileSync(map, JSON.stringify({ imports }))
    const entryPoints = join(folder, 'entry-points.md')
    const imported = Object.keys(jsr.exports).map((key, i) => `import type * as e${i} from 'combstream${key.slice(1)}'`)
    writeFileSync(entryPoints, ['```ts', ...imported, '```', ''].join('\n'))
    const { main, count } = writeExamples(folder)
    const options = ['--no-remote', '--no-lock', '--node-modules-dir=manual', '-c', 'jsr.json', '--import-map', map]
    const deno = (/** @type {string[]} */ ...args) =>
      run(['deno', ...args], { timeoutMs: TIMEOUT_MS, environment: { NO_COLOR: '1' } })
    const checked = await deno('test', '--doc', '--no-run', ...options, 'src', entryPoints)
    if (checked.code !== 0) return checked
    const found = checked.output.match(/^Check .*#\d+-\d+\.ts$/gm)?.length ?? 0
    if (found !== count + 1) {
      return { ...checked, code: 1, output: `Deno finds ${found - 1} examples, and this script ${count}` }
    }
    return await deno('run', '-A', '--no-check', ...options, main)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Writes each example into a module of its own, and one that runs them one after the other and fails if one of them throws
 * or a `console.assert` of it does not hold.
 *
 * @param {string} folder
 */
function writeExamples(folder) {
  const examples = sourceFiles().flatMap((path) => {
    const blocks = readFileSync(join(ROOT, path), 'utf8').matchAll(/^ *\* ```ts\n([^]*?)^ *\* ```$/gm)
    return [...blocks].map(([, text = '']) => ({ path, text: text.replaceAll(/^ *\* ?/gm, '') }))
  })
  for (const [i, { text }] of examples.entries()) writeFileSync(join(folder, `example-${i}.ts`), text)
  const main = join(folder, 'examples.ts')
  writeFileSync(
    main,
    `console.assert = (holds, ...words) => {
       if (!holds) throw new Error(['an assertion does not hold', ...words].join(' '))
     }
     let failed = 0
     for (const [i, path] of ${JSON.stringify(examples.map(({ path }) => path))}.entries()) {
       try {
         await import(\`./example-\${i}.ts\`)
       } catch (error) {
         failed++
         console.error(\`The example in \${path} fails:\`, error)
       }
     }
     Deno.exit(failed > 0 ? 1 : 0)`,
  )
  return { main, count: examples.length }
}
