import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import type { Backend } from '../../src/store.ts'
import { text } from '../support/store-tools.ts'

const COMMITS = 50

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** Runs a test on a backend in a directory. */
type WithBackend = (work: (backend: Backend, directory: string) => Promise<void>) => Promise<void>

async function runWithBackend(thread: boolean, work: Parameters<WithBackend>[0]): Promise<void> {
  const directory = join(root, String(made++))
  const backend = await directoryBackend(directory, { thread })
  await work(backend, directory)
  await backend.close()
}

function times<T>(make: (index: number) => T): T[] {
  return Array.from({ length: COMMITS }, (_, index) => make(index))
}

describe.each([true, false])('concurrent commits of a directory (thread: %s)', (thread) => {
  const withBackend: WithBackend = (work) => runWithBackend(thread, work)

  it('share a transaction', () =>
    withBackend(async ({ metadata }, directory) => {
      const versions = await Promise.all(times((i) => metadata.commit([], [{ key: text(`k${i}`), value: text('v') }])))
      expect(new Set(versions).size).toBe(COMMITS)
      // Each transaction adds at least a page for the row and one for the counter.
      expect((await stat(join(directory, 'metadata.sqlite-wal'))).size).toBeLessThan(COMMITS * 4096)
    }))

  it('see what earlier ones changed: of many that need a row to be absent, one is applied', () =>
    withBackend(async ({ metadata }) => {
      const key = text('k')
      const answers = await Promise.all(
        times((i) => metadata.commit([{ key, version: undefined }], [{ key, value: text(`v${i}`) }])),
      )
      expect(answers.filter((answer) => answer !== false)).toEqual([answers[0]])
      expect(await metadata.get(key)).toEqual({ value: text('v0'), version: answers[0] })
    }))

  it('fail alone: one that SQLite refuses halfway changes nothing, and all others are applied', () =>
    withBackend(async ({ metadata }, directory) => {
      const other = new DatabaseSync(join(directory, 'metadata.sqlite'))
      other.exec(
        `CREATE TRIGGER refusing BEFORE INSERT ON rows WHEN NEW.key = CAST('b20' AS BLOB)
         BEGIN SELECT RAISE(ABORT, 'refused'); END`,
      )
      other.close()
      const answers = await Promise.allSettled(
        times((i) => {
          const mutations = ['a', 'b'].map((letter) => ({ key: text(`${letter}${i}`), value: text('v') }))
          return metadata.commit([], mutations)
        }),
      )
      expect(answers[20]).toMatchObject({
        reason: { name: 'BackendError', message: expect.stringContaining('refused') },
      })
      expect(answers.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([20])
      const found = await Promise.all(times((i) => metadata.get(text(`a${i}`))))
      expect(found.flatMap((row, i) => (row ? [] : [i]))).toEqual([20])
    }))

  it('are aborted one by one: one that is aborted before its turn changes nothing', () =>
    withBackend(async ({ metadata }) => {
      const controller = new AbortController()
      const reason = new Error('enough')
      const answers = times((i) => {
        const { signal } = i === 20 ? controller : {}
        return metadata.commit([], [{ key: text(`k${i}`), value: text('v') }], { signal })
      })
      controller.abort(reason)
      const settled = await Promise.allSettled(answers)
      expect(settled.filter(({ status }) => status === 'rejected')).toEqual([{ status: 'rejected', reason }])
      expect(await metadata.get(text('k20'))).toBeUndefined()
    }))

  it('are waited for by `close`, and refused after it', () =>
    withBackend(async ({ metadata }, directory) => {
      const other = await directoryBackend(directory)
      const commit = other.metadata.commit([], [{ key: text('k'), value: text('v') }])
      await other.close()
      await expect(other.metadata.commit([], [{ key: text('l'), value: text('v') }])).rejects.toThrow('closed')
      expect(await commit).toEqual((await metadata.get(text('k')))?.version)
    }))
})
