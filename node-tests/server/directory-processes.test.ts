import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { startChild } from '../support/child-program.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { seeds } from '../support/sample.ts'
import { pattern } from '../support/store-tools.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** A stream that a process reported as stored. */
interface Told {
  readonly id: string
  readonly reference: string
  readonly length: number
}

/** Runs a process until it ends, or kills it a short time after it has stored `killAfter` streams. */
async function run(directory: string, name: string, count: number, killAfter?: number): Promise<Told[]> {
  const child = startChild('directory-child', directory, name, String(count))
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    if (killAfter !== undefined && output.split('\n').length > killAfter) {
      killAfter = undefined
      setTimeout(() => child.kill('SIGKILL'), Math.random() * 20)
    }
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk))
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (killAfter === undefined && code !== 0 && child.signalCode === null) throw new Error(errors)
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))
    .map(([id, reference, length]) => ({ id: id!, reference: reference!, length: Number(length) }))
}

/** Asserts that every reported stream is stored, and that the invariants hold. */
async function verify(directory: string, told: Told[]): Promise<void> {
  const backend = await directoryBackend(directory)
  const contents = await inspectStore(backend)
  expect(contents.problems).toEqual([])
  const store = new StreamStore(backend)
  for (const { id, reference, length } of told) {
    expect(contents.references).toContain(`${id}/${reference}`)
    expect(await collect((await store.open(id)).stream())).toEqual(pattern(length))
  }
  // The same bytes are one stream, whichever process stored them.
  expect(new Set(contents.stored.values()).size).toBe(contents.stored.size)
  await store.close()
}

/** A process that creates a hive for each name that it reads. */
interface Creator {
  readonly child: ChildProcessWithoutNullStreams
  /** Resolves with the next line of its output, or with undefined once it has ended. */
  next(): Promise<string | undefined>
  /** Returns what it has written to standard error. */
  errors(): string
}

function startCreator(directory: string, name: string): Creator {
  const child = startChild('creating-child', directory, name)
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk))
  // It may be killed while a name is written to it.
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    next: async () => (await lines.next()).value,
    errors: () => errors,
  }
}

async function aliasesIn(directory: string): Promise<string[]> {
  const store = new StreamStore(await directoryBackend(directory))
  const { entries } = await new LocalHive(store).list()
  await store.close()
  return entries.map((entry) => entry.alias)
}

describe('directoryBackend', () => {
  it('can be created by several processes at the same moment, and all of them succeed', async () => {
    const directory = join(root, 'made at once')
    const names = ['A', 'B', 'C']
    const creators = names.map((name) => startCreator(directory, name))
    for (const creator of creators) expect(await creator.next(), creator.errors()).toBe('ready')
    for (const round of seeds(12)) {
      for (const { child } of creators) child.stdin.write(`${round}\n`)
      for (const creator of creators) expect(await creator.next(), creator.errors()).toBe(String(round))
      expect(await aliasesIn(join(directory, String(round)))).toEqual(names)
    }
    const ends = creators.map(({ child }) => once(child, 'close'))
    for (const { child } of creators) child.stdin.end()
    await Promise.all(ends)
  })

  it('is created by the next process if the first is killed at any moment of the creation', async () => {
    const directory = join(root, 'killed at making')
    await mkdir(directory)
    const creator = startCreator(directory, 'A')
    expect(await creator.next(), creator.errors()).toBe('ready')
    const ended = once(creator.child, 'close')
    for (let i = 0; i < 400; i++) creator.child.stdin.write(`${i}\n`)
    // Kills it at some moment after the first few hives.
    for (let i = 0; i < 5; i++) await creator.next()
    setTimeout(() => creator.child.kill('SIGKILL'), Math.random() * 20)
    await ended
    const names = await readdir(directory)
    expect(names.length).toBeGreaterThan(5)
    expect(names.length).toBeLessThan(400)
    for (const name of names) expect([[], ['A']]).toContainEqual(await aliasesIn(join(directory, name)))
  })

  it('keeps what was acknowledged, and nothing else becomes visible, however often its process is killed', async () => {
    const directory = join(root, 'killed')
    const told: Told[] = []
    for (let round = 0; round < 3; round++) {
      told.push(...(await run(directory, String.fromCharCode(65 + round), 4000, 1 + 7 * round)))
    }
    expect(told.length).toBeGreaterThan(5)
    await verify(directory, told)
  })

  it('can be opened, created and used by several processes at once', async () => {
    const directory = join(root, 'new', 'shared')
    const told = await Promise.all(['A', 'B', 'C'].map((name) => run(directory, name, 24)))
    expect(told.flat()).toHaveLength(72)
    await verify(directory, told.flat())
  })

  it('prints nothing when it is imported, and neither does the package', async () => {
    const runner = 'Deno' in globalThis ? ['eval'] : ['--input-type=module', '-e']
    const urls = ['index', 'store', 'backends/directory', 'platform'].map(
      (name) => new URL(`../../src/${name}.ts`, import.meta.url),
    )
    const script = urls.map((url) => `await import(${JSON.stringify(url.href)})`).join('\n')
    const child = spawn(process.execPath, [...runner, script], { env: { ...process.env, NODE_OPTIONS: '' } })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    }
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(output).toBe('')
    expect(code).toBe(0)
  })
})
