import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { receivedFailure, sentFailure } from '../../src/backends/directory/commit-outcome.ts'
import { CommitFailure } from '../../src/backends/directory/sqlite-transaction.ts'
import { FormatError } from '../../src/errors.ts'
import type { Backend, Mutation } from '../../src/store.ts'
import { startChild } from '../support/child-program.ts'
import { text } from '../support/store-tools.ts'

const VALUE = text('v')

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.doUnmock('node:worker_threads')
})
afterAll(() => rm(root, { recursive: true, force: true }))

function fresh(): string {
  return join(root, String(made++))
}

function setting(key: string): Mutation[] {
  return [{ key: text(key), value: VALUE }]
}

function noWorker(): never {
  throw new Error('no threads')
}

/** A hive whose thread runs. */
async function committed(): Promise<Backend> {
  const backend = await directoryBackend(fresh())
  expect(await backend.metadata.commit([], setting('k'))).toBe('1')
  return backend
}

/** Replaces the workers of threads that start from now on. */
function useWorker(worker: unknown): void {
  vi.doMock('node:worker_threads', () => ({ Worker: worker }))
}

describe('the thread of a directory', () => {
  it.each([true, false])(
    'runs the transactions that write, so that no sync stops the caller (thread: %s)',
    async (thread) => {
      const backend = await directoryBackend(fresh(), { thread })
      const exec = vi.spyOn(DatabaseSync.prototype, 'exec')
      const version = await backend.metadata.commit([], setting('k'))
      expect(await backend.metadata.get(text('k'))).toEqual({ value: VALUE, version })
      const statements = exec.mock.calls.map(([statement]) => statement)
      expect(statements).toEqual(thread ? [] : ['BEGIN IMMEDIATE', 'COMMIT'])
      await backend.close()
    },
  )

  it('shows a commit to every read that begins after it was answered', async () => {
    const { metadata, close } = await directoryBackend(fresh())
    const write = async (key: string): Promise<void> => {
      for (let i = 0, version: string | undefined; i < 50; i++) {
        version = (await metadata.commit([{ key: text(key), version }], setting(key))) as string
        expect((await metadata.get(text(key)))?.version).toBe(version)
        expect((await metadata.list({ prefix: text(key), limit: 1 }))[0]?.version).toBe(version)
      }
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(write))
    await close()
  })

  it('takes all commits that came while it was busy as one transaction', async () => {
    const { metadata, close } = await directoryBackend(fresh())
    const { postMessage } = Worker.prototype
    const post = vi.spyOn(Worker.prototype, 'postMessage')
    const posted = new Promise<void>((resolve) => {
      post.mockImplementationOnce(function (this: Worker, message: unknown) {
        postMessage.call(this, message)
        resolve()
      })
    })
    const first = metadata.commit([], setting('first'))
    await posted
    const others = Array.from({ length: 50 }, (_, i) => metadata.commit([], setting(`k${i}`)))
    const versions = await Promise.all([first, ...others])
    expect(new Set(versions).size).toBe(51)
    expect(post).toHaveBeenCalledTimes(2)
    await close()
  })

  it('is sent bytes as a buffer alone, since Deno takes a second for a few megabytes of an array', async () => {
    const post = vi.spyOn(Worker.prototype, 'postMessage')
    const { close } = await committed()
    const isArray = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && (ArrayBuffer.isView(value) || Object.values(value).some(isArray))
    expect(post).toHaveBeenCalled()
    expect(post.mock.calls.map(([message]) => isArray(message))).not.toContain(true)
    await close()
  })

  it('does not start for a hive that is only read', async () => {
    const directory = fresh()
    useWorker(noWorker)
    const { metadata, close } = await directoryBackend(directory)
    expect(await metadata.get(text('k'))).toBeUndefined()
    expect(await metadata.commit([{ key: text('k'), version: undefined }], [])).not.toBe(false)
    await close()
  })

  it.each([
    ['throws', noWorker],
    [
      'does not find its script',
      class extends Worker {
        constructor(script: URL) {
          super(new URL('missing.js', script))
        }
      },
    ],
  ])('fails a commit with a BackendError when it %s, and starts with the next one', async (_, worker) => {
    const other = await committed()
    const { metadata, close } = await directoryBackend(fresh())
    useWorker(worker)
    const message = expect.stringMatching(/cannot start a thread, .*thread: false/) as unknown
    const failure = { name: 'BackendError', retryable: false, outcome: undefined, message }
    await expect(metadata.commit([], setting('k'))).rejects.toMatchObject(failure)
    vi.doUnmock('node:worker_threads')
    expect(await metadata.commit([], setting('k'))).toBe('1')
    await close()
    await other.close()
  })

  it('serves the next hive after the first one was closed, and each of two that are open has its own', async () => {
    const post = vi.spyOn(Worker.prototype, 'postMessage')
    const [first, second] = [await committed(), await committed()]
    expect(post.mock.contexts[0]).not.toBe(post.mock.contexts[1])
    await first.close()
    const third = await committed()
    expect(post.mock.contexts.at(-1)).toBe(post.mock.contexts[0])
    expect(await second.metadata.commit([], setting('k'))).toBe('2')
    expect(await third.metadata.get(text('k'))).toMatchObject({ version: '1' })
    for (const { close } of [second, third]) await close()
  })

  it('leaves commits unknown that it died with, and starts again for the next one', async () => {
    const { metadata, close } = await directoryBackend(fresh())
    await metadata.commit([], setting('before'))
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementationOnce(function (this: Worker) {
      void this.terminate()
    })
    const dying = ['a', 'b'].map((key) => metadata.commit([], setting(key)))
    const failure = { name: 'BackendError', outcome: 'unknown', message: expect.stringContaining('died') as unknown }
    for (const commit of dying) await expect(commit).rejects.toMatchObject(failure)
    expect(await metadata.commit([], setting('after'))).toBe('2')
    expect((await metadata.list({ prefix: text(''), limit: 9 })).length).toBe(2)
    await close()
  })

  it('tells its answers from messages of others, such as those of Node with --watch', async () => {
    const other = await committed()
    const { metadata, close } = await directoryBackend(fresh())
    const disturb = (worker: Worker): void => {
      for (const message of [{ 'watch:import': ['node:fs'] }, null, 'ready']) worker.emit('message', message)
    }
    useWorker(
      class extends Worker {
        constructor(script: URL, options: WorkerOptions) {
          super(script, options)
          setImmediate(() => disturb(this))
        }
      },
    )
    const { postMessage } = Worker.prototype
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: unknown) {
      postMessage.call(this, message)
      disturb(this)
    })
    expect(await metadata.commit([], setting('a'))).toBe('1')
    expect(await metadata.commit([], setting('b'))).toBe('2')
    expect((await metadata.get(text('b')))?.version).toBe('2')
    await close()
    await other.close()
  })

  it('does not inherit flags, such as --import with a module that waits for a commit', async () => {
    const other = await committed()
    const { metadata, close } = await directoryBackend(fresh())
    let flags: unknown
    useWorker(
      class extends Worker {
        constructor(script: URL, options: WorkerOptions) {
          super(script, options)
          flags = options.execArgv
        }
      },
    )
    expect(await metadata.commit([], setting('k'))).toBe('1')
    expect(flags).toEqual([])
    await close()
    await other.close()
  })

  it('can die while nothing is asked of it', async () => {
    const { metadata, close } = await directoryBackend(fresh())
    const post = vi.spyOn(Worker.prototype, 'postMessage')
    expect(await metadata.commit([], setting('a'))).toBe('1')
    await (post.mock.contexts[0] as Worker).terminate()
    expect(await metadata.commit([], setting('b'))).toBe('2')
    await (post.mock.contexts[1] as Worker).terminate()
    await close()
  })

  it('keeps the process while a commit is pending, and no longer, wherever the process has gone', async () => {
    const child = startChild('commit-child', fresh())
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    }
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect({ code, output }).toEqual({ code: 0, output: 'committed 1\n' })
  })
})

describe('an error that a thread sends', () => {
  it.each([
    Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 }),
    Object.assign(new Error('permission denied'), { code: 'EACCES' }),
    new Error('disk I/O error'),
    new FormatError('no database', { reason: 'magic' }),
  ])('arrives as it was: %s', (error) => {
    expect(facts(receivedFailure(structuredClone(sentFailure(error))))).toEqual(facts(error))
  })

  it('says that a commit may have been applied', () => {
    const cause = Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 10 })
    const arrived = receivedFailure(structuredClone(sentFailure(new CommitFailure('failed', { cause }))))
    expect(arrived).toBeInstanceOf(CommitFailure)
    expect(facts(arrived.cause)).toEqual(facts(cause))
  })
})

function facts(error: unknown): unknown {
  const { name, message, code, errcode, reason } = error as Record<string, unknown>
  return { name, message, code, errcode, reason }
}
