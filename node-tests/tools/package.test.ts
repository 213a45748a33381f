import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ROOT, run } from '../../scripts/run.mjs'
import { comb, type CombOptions, type CombResult, NODE_22, serveComb, temporaryDirectory } from '../support/comb.ts'
import { type InstalledPackage, installPackage, npm } from '../support/installed-package.ts'
import { wholeOr } from '../support/sample.ts'
import { sharedPage } from '../support/shared-chromium.ts'
import { servePageOfVite } from '../support/vite-page.ts'

const TIMEOUT_MS = 50_000
const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  'Node 24': [process.execPath],
  'Node 22': [NODE_22],
  Deno: ['deno', 'run', '-A', '--no-remote', '--node-modules-dir=manual'],
  Bun: ['bun'],
}

/** Each of them runs the tests of the command. Other tests run it on Node 24, unpacked. */
const COMMAND_RUNTIMES = wholeOr(['Node 24', 'Node 22'], ['Node 22'])

/** Whether the package is built again, in a clean checkout. `npm test` itself builds it in the checkout that it tests. */
const IS_CLEAN = wholeOr(true, false)

let installed: InstalledPackage

beforeAll(async () => {
  installed = await installPackage(IS_CLEAN)
}, 300_000)
afterAll(() => installed?.remove())

describe(`the package that \`npm pack\` makes${IS_CLEAN ? ' from a clean checkout' : ''}`, () => {
  test('installs its three dependencies and nothing else', () => {
    const folders = readdirSync(join(installed.project, 'node_modules')).filter((name) => !name.startsWith('.'))
    expect(folders).toEqual(['combstream', 'fflate', 'hash-wasm', 'web-streams-polyfill'])
  })

  test('contains the build and the documents, but no sources or tests', () => {
    const folder = packageFolder()
    expect(readdirSync(folder).toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json'])
    const files = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })
    const others = files.filter((path) => statSync(join(folder, 'dist', path)).isFile() && !/\.(js|d\.ts)$/.test(path))
    expect(others).toEqual(['THIRD-PARTY-LICENSES.txt'])
  })

  test('contains the licence of each package that is bundled', () => {
    const folder = packageFolder()
    const licences = readFileSync(join(folder, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8')
    const parts = licences.split(/^-{72}$/m).slice(1)
    const names = parts.map((part) => part.trim().split(' ')[0])
    const bundled = ['aws4fetch', 'cli-progress', 'commander', 'hash-wasm', 'mrmime', 'postgres', 'srvx']
    expect(names).toEqual(expect.arrayContaining(bundled))
    const isFree = (part: string): boolean => /^\n\npostgres [\d.]+ \(Unlicense\)\n\n.*public domain/.test(part)
    expect(parts.filter(isFree)).toHaveLength(1)
    for (const part of parts.filter((each) => !isFree(each))) {
      expect(part).toMatch(/^\n\n\S+ [\d.]+ \(MIT\)\n\n[^]*copyright[^]*WITHOUT WARRANTY/i)
    }
  })

  test.for([
    { host: 'web', module: 'preserve', without: /^\.\/(backends\/directory|platform)$/, types: [] },
    {
      host: 'node',
      module: 'nodenext',
      without: /^$/,
      types: ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node'],
    },
  ])('has types that are valid in a $host project', async ({ host, module, without, types }) => {
    const keys = Object.keys(packageJson().exports).filter((key) => !without.test(key))
    const imports = keys.map((key, index) => `import * as m${index} from 'combstream${key.slice(1)}'`)
    const uses = `export const all: readonly object[] = [${keys.map((_, index) => `m${index}`).join(', ')}]`
    writeFileSync(join(installed.project, `${host}.ts`), [...imports, uses, ''].join('\n'))
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2023']
    const lib = ['--lib', 'es2023,dom,esnext.disposable']
    const command = ['tsc', '--ignoreConfig', '--module', module, ...options, ...lib, ...types, `${host}.ts`]
    const { code, output } = await run(command, { cwd: installed.project, timeoutMs: TIMEOUT_MS })
    expect({ code, output }).toEqual({ code: 0, output: '' })
  })

  test.for(Object.entries(RUNTIMES))('can be imported at every entry point in %s', async ([, runtime]) => {
    writeFileSync(join(installed.project, 'entries.js'), ENTRIES)
    const command = [...runtime, 'entries.js']
    const { code, output } = await run(command, { cwd: installed.project, timeoutMs: TIMEOUT_MS })
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' })
    const found = JSON.parse(output) as Record<string, string[]>
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'jsr.json'), 'utf8')) as { exports: Record<string, string> }
    for (const [key, path] of Object.entries(exports)) {
      if (key === './rsync-worker' || key === './polyfill') expect(found[key]).toEqual([])
      else expect(found[key]).toEqual(Object.keys((await import(join(ROOT, path))) as object).toSorted())
    }
    expect(found['./browser/page.js']).toContain('HttpHive')
    expect(found['./browser/browser-hive.js']).toEqual(expect.arrayContaining(['HttpHive', 'LocalHive']))
  })

  test.for(Object.entries(RUNTIMES))('commits to a directory in a thread, in %s', async ([, runtime]) => {
    writeFileSync(join(installed.project, 'commit.js'), COMMIT)
    const command = [...runtime, 'commit.js', join(temporaryDirectory(), 'hive')]
    const { code, output } = await run(command, { cwd: installed.project, timeoutMs: TIMEOUT_MS })
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/^1 \[\]$/m) as unknown })
  })

  test.runIf(IS_CLEAN)('is checked without being rebuilt', async () => {
    const dist = join(installed.checkout, 'dist')
    const before = statSync(dist).ino
    // One entry point is enough for that. `npm test` checks all of them besides.
    await npm(installed.checkout, 'run', 'check:attw', '--', '--entrypoints', '.')
    expect(statSync(dist).ino).toBe(before)
  })
})

test('a page that Vite builds from the package reads through its service worker and computes in its workers', async () => {
  const page = await servePageOfVite(installed.project)
  onTestFinished(() => page.close())
  const tab = await sharedPage()
  await tab.goto(page.url)
  await tab.waitForFunction(() => document.title !== '')
  // A signature has 12 bytes of header and 36 for the one block.
  expect(await tab.title()).toMatch(/\/media\/a\.txt\?v=\S+ honey 48$/)
})

describe.each(COMMAND_RUNTIMES)('the command of the package, in %s', (runtime) => {
  const [node] = RUNTIMES[runtime]!
  const packed = (args: readonly string[], options: CombOptions = {}): Promise<CombResult> =>
    comb(args, { command: [node!, combFile()], ...options })

  test('keeps entries in a directory', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    expect(await packed(['--version'])).toMatchObject({ code: 0, stdout: Buffer.from(`${packageJson().version}\n`) })
    expect(await packed(['put', hive, 'a.txt', '-'], { input: 'bytes' })).toMatchObject({ code: 0, stderr: '' })
    expect(await packed(['ls', hive])).toMatchObject({ code: 0, stdout: Buffer.from('a.txt\n'), stderr: '' })
    expect(await packed(['get', hive, 'a.txt'])).toMatchObject({ code: 0, stdout: Buffer.from('bytes'), stderr: '' })
    expect(await packed(['rm', hive, 'a.txt'])).toMatchObject({ code: 0, stderr: '' })
    expect(await packed(['stat', hive, 'a.txt'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^comb: .*a\.txt\n$/) as unknown,
    })
  })

  test('serves entries, and gets and puts them over HTTP', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    const { url, child, result } = await serveComb(hive, [], { command: [node!, combFile()] })
    expect(await packed(['put', url, 'a.txt', '-'], { input: 'bytes' })).toMatchObject({ code: 0, stderr: '' })
    expect(await packed(['get', url, 'a.txt'])).toMatchObject({ code: 0, stdout: Buffer.from('bytes'), stderr: '' })
    child.kill('SIGTERM')
    expect((await result).code).toBe(0)
  })

  test('makes signatures and deltas, and applies them', async () => {
    const folder = temporaryDirectory()
    const at = (name: string): string => join(folder, name)
    writeFileSync(at('old'), 'the first version')
    writeFileSync(at('new'), 'the second version')
    expect(await packed(['rdiff', 'signature', at('old'), at('sums')])).toMatchObject({ code: 0, stderr: '' })
    expect(await packed(['rdiff', 'delta', at('sums'), at('new'), at('delta')])).toMatchObject({ code: 0, stderr: '' })
    expect(await packed(['rdiff', 'patch', at('old'), at('delta')])).toMatchObject({
      code: 0,
      stdout: Buffer.from('the second version'),
    })
  })
})

describe('the command of the package', () => {
  test('loads only what a command needs', async () => {
    const folder = temporaryDirectory()
    const log = join(folder, 'loaded')
    const preload = join(folder, 'preload.mjs')
    writeFileSync(
      preload,
      `import { appendFileSync } from 'node:fs'
       import { registerHooks } from 'node:module'
       const tell = (name) => appendFileSync(${JSON.stringify(log)}, name + '\\n')
       const { getBuiltinModule } = process
       process.getBuiltinModule = (name) => (tell(name), getBuiltinModule(name))
       registerHooks({ load: (url, context, next) => (tell(url), next(url, context)) })`,
    )
    const loaded = async (...args: string[]): Promise<{ builtins: string[]; files: string[] }> => {
      writeFileSync(log, '')
      await comb(['--import', preload, combFile(), ...args], { command: [process.execPath] })
      const names = readFileSync(log, 'utf8').trim().split('\n')
      const isFile = (name: string): boolean => name.startsWith('file:')
      return { builtins: names.filter((name) => !isFile(name)), files: names.filter(isFile) }
    }
    const put = await loaded('put', join(folder, 'hive'), 'a.txt', preload)
    expect(put.builtins).toContain('node:sqlite')
    expect(put.builtins).not.toContain('node:http')
    const version = await loaded('--version')
    expect(version.builtins).not.toContain('node:sqlite')
    expect(version.builtins).not.toContain('node:http')
    // The output of the first one is a pipe.
    const out = join(folder, 'out')
    for (const [args, builtins] of [
      [['signature', preload], 'node:events node:fs node:net node:path node:util'],
      [['signature', preload, out], 'node:fs node:path node:util'],
    ] as const) {
      const rdiff = await loaded('rdiff', ...args)
      expect([...new Set(rdiff.builtins)].toSorted().join(' ')).toBe(builtins)
      expect(rdiff.files.length).toBeLessThanOrEqual(12)
      const bytes = rdiff.files.map((url) => statSync(fileURLToPath(url)).size).reduce((sum, size) => sum + size)
      expect(bytes).toBeLessThan(120_000)
    }
  })

  test('shows its progress, with the CommonJS package that it uses for that', async () => {
    const folder = temporaryDirectory()
    const preload = join(folder, 'preload.mjs')
    writeFileSync(preload, 'process.stderr.isTTY = true')
    const args = ['--import', preload, combFile(), 'put', join(folder, 'hive'), 'a.txt', preload]
    const { code, stderr } = await comb(args, { command: [process.execPath] })
    expect(code).toBe(0)
    expect(stderr).toMatch(/a\.txt {2}[=-]{24}.*a\.txt {2}27 B in \d+\.\d s, .*\n$/s)
  })

  test.each(['20.20.2', '22.12.0', '18.0.0'])('reports on Node %s which version it needs', async (version) => {
    const preload = join(temporaryDirectory(), 'preload.mjs')
    // Such a Node does not have node:sqlite.
    writeFileSync(
      preload,
      `import { registerHooks } from 'node:module'
       Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })
       registerHooks({
         resolve(specifier, context, next) {
           if (specifier === 'node:sqlite') throw new Error('No such built-in module: node:sqlite')
           return next(specifier, context)
         },
       })`,
    )
    const oldest = packageJson().engines.node.replace('>=', '')
    expect(await comb(['--import', preload, combFile(), 'ls'], { command: [process.execPath] })).toEqual({
      code: 1,
      signal: null,
      stdout: Buffer.alloc(0),
      stderr: `comb: this is Node ${version}, and comb needs Node ${oldest} or newer\n`,
    })
  })
})

/** Imports every entry point, and prints its exports. Only a browser can run the scripts of service workers. */
const ENTRIES = `
import { readFileSync } from 'node:fs'

// The scripts of workers listen for messages, and Bun would wait for them.
globalThis.addEventListener = () => undefined
globalThis.postMessage = () => undefined
// They hold locks, for which Deno would wait, too, and which Node 22 and Bun do not have.
Object.defineProperty(navigator, 'locks', { value: { request: () => Promise.resolve() } })
const { exports } = JSON.parse(readFileSync('node_modules/combstream/package.json', 'utf8'))
const found = {}
// Service workers start when they are imported, where there is a scope for them.
for (const key of Object.keys(exports).filter((name) => !/(service|cache|hive)-worker\\.js$/.test(name))) {
  found[key] = Object.keys(await import('combstream' + key.slice(1))).toSorted()
}
console.log(JSON.stringify(found))
`

/** Prints the number of a commit, and what SQLite was told to do in this thread meanwhile. */
const COMMIT = `
import { DatabaseSync } from 'node:sqlite'
import process from 'node:process'
import { directoryBackend } from 'combstream/backends/directory'

const { metadata, close } = await directoryBackend(process.argv[2])
const statements = []
const { exec } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (statement) {
  statements.push(statement)
  return exec.call(this, statement)
}
const version = await metadata.commit([], [{ key: new Uint8Array([1]), value: new Uint8Array([2]) }])
console.log(version, JSON.stringify(statements))
await close()
`

function packageFolder(): string {
  return join(installed.project, 'node_modules/combstream')
}

function combFile(): string {
  return join(installed.project, 'node_modules/.bin/comb')
}

function packageJson(): { version: string; exports: Record<string, unknown>; engines: { node: string } } {
  return JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')) as ReturnType<typeof packageJson>
}
