import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Folder for the programs that tests start. Several suites may write the same program at the same time. */
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/combstream-children/', import.meta.url))

/** Begins the last line of a bundle, which says what it was made of. */
const MADE_OF = '//# made of '

/** The script of the thread that a directory's backend starts; it must stand beside the program. */
const THREAD_SCRIPT = '../../src/backends/directory/commit-thread-script.ts'

/** The commands of other runtimes than that of the tools suite. */
const RUNTIMES = {
  'node-22': [fileURLToPath(new URL('../../node_modules/node-22/bin/node', import.meta.url))],
  deno: [fileURLToPath(new URL('../../node_modules/.bin/deno', import.meta.url)), 'run', '-A', '--no-lock'],
  bun: [fileURLToPath(new URL('../../node_modules/.bin/bun', import.meta.url)), 'run'],
} as const

const programs = new Map<string, string>()

/** Bundles a program of this folder into one file, which loads several times as fast. Returns the path of the file. */
function bundled(name: string): string {
  bundle(THREAD_SCRIPT, 'commit-thread-script.js')
  return bundle(`${name}.ts`, `${name}.mjs`)
}

function bundle(source: string, name: string): string {
  const known = programs.get(name)
  if (known !== undefined) return known
  mkdirSync(FOLDER, { recursive: true })
  const path = `${FOLDER}${name}`
  if (!isCurrent(path)) {
    const { outputFiles, metafile } = buildSync({
      entryPoints: [fileURLToPath(new URL(source, import.meta.url))],
      absWorkingDir: ROOT,
      bundle: true,
      format: 'esm',
      platform: 'node',
      // Of the modules of a package, only what is used is bundled.
      mainFields: ['module', 'main'],
      target: 'es2023',
      logLevel: 'error',
      write: false,
      metafile: true,
    })
    const own = `${FOLDER}${process.pid}.${name}`
    const madeOf = [...Object.keys(metafile.inputs), relative(ROOT, fileURLToPath(import.meta.url))].map(stateOf)
    writeFileSync(own, `${outputFiles[0]!.text}${MADE_OF}${JSON.stringify(madeOf)}\n`)
    renameSync(own, path)
  }
  programs.set(name, path)
  return path
}

/** Whether a bundle was made of the files as they are now, perhaps by another suite. */
function isCurrent(path: string): boolean {
  if (!existsSync(path)) return false
  const text = readFileSync(path, 'utf8')
  const at = text.lastIndexOf(MADE_OF)
  if (at < 0) return false
  const madeOf = JSON.parse(text.slice(at + MADE_OF.length)) as readonly (readonly [string, ...unknown[]])[]
  return madeOf.every((state) => JSON.stringify(state) === JSON.stringify(stateOf(state[0])))
}

/** A file, and what changes when it is written: its time in milliseconds and its size in bytes, if it exists. */
function stateOf(file: string): readonly [string, ...unknown[]] {
  const stats = statSync(join(ROOT, file), { throwIfNoEntry: false })
  return [file, stats && Math.floor(stats.mtimeMs), stats?.size]
}

/** Starts the program `name`.ts of this folder in a process of its own, on the runtime that runs the test. */
export function startChild(name: string, ...args: readonly string[]): ChildProcessWithoutNullStreams {
  const runner = 'Deno' in globalThis ? [process.execPath, 'run', '-A'] : [process.execPath]
  return start(runner, name, args)
}

/** The same on another runtime. */
export function startChildIn(
  runtime: keyof typeof RUNTIMES,
  name: string,
  ...args: readonly string[]
): ChildProcessWithoutNullStreams {
  return start(RUNTIMES[runtime], name, args)
}

function start(
  [file, ...options]: readonly string[],
  name: string,
  args: readonly string[],
): ChildProcessWithoutNullStreams {
  return spawn(file!, [...options, bundled(name), ...args], {
    // Node 22 warns that SQLite is experimental. The next process that runs the same program reuses the compiled code.
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1', NODE_COMPILE_CACHE: FOLDER },
  })
}
