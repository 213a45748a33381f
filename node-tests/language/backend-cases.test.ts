import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { Backend, Blocks, Metadata } from '../../src/store.ts'
import { type BackendCasesOptions, backendCases } from '../../src/testing.ts'

/** Makes a backend that is right except for some methods. */
function wrong(change: (right: Backend) => { metadata?: Partial<Metadata>; blocks?: Partial<Blocks> }): () => Backend {
  return () => {
    const right = memoryBackend()
    const { metadata, blocks } = change(right)
    return { ...right, metadata: { ...right.metadata, ...metadata }, blocks: { ...right.blocks, ...blocks } }
  }
}

/** Mistakes that an engine may have, and the beginning of the name of a case that finds each. */
const MISTAKES: readonly (readonly [mistake: string, make: () => Backend, foundBy: string])[] = [
  [
    'a list that begins with the key that it should come after',
    wrong(({ metadata }) => ({
      metadata: {
        async list({ prefix, after, limit }) {
          const rows = await metadata.list({ prefix, limit: 1000 })
          const from = after ? rows.findIndex(({ key }) => String(key) === String(after)) : 0
          return rows.slice(Math.max(0, from), Math.max(0, from) + limit)
        },
      },
    })),
    'metadata: random commands',
  ],
  [
    'a commit that applies what its failed check should prevent',
    wrong(({ metadata }) => ({
      metadata: {
        async commit(checks, mutations) {
          const version = await metadata.commit(checks, mutations)
          if (version === false) await metadata.commit([], mutations.slice(0, 1))
          return version
        },
      },
    })),
    'metadata: random commands',
  ],
  [
    'a commit that looks only at its first eight checks',
    wrong(({ metadata }) => ({
      metadata: { commit: (checks, mutations) => metadata.commit(checks.slice(0, 8), mutations) },
    })),
    'metadata: a commit takes 10 checks',
  ],
  [
    'a commit that loses what comes after its fiftieth mutation',
    wrong(({ metadata }) => ({
      metadata: { commit: (checks, mutations) => metadata.commit(checks, mutations.slice(0, 50)) },
    })),
    'metadata: a commit takes 10 checks and 100 mutations',
  ],
  [
    'an object that is cut off',
    wrong(({ blocks }) => ({
      blocks: { put: (name, bytes, options) => blocks.put(name, bytes.subarray(0, 500), options) },
    })),
    'blocks: random commands',
  ],
  [
    'a delete that deletes all names that begin with this one',
    wrong(({ blocks }) => ({
      blocks: {
        async delete(name) {
          for (const each of await blocks.list({ prefix: name, limit: 1000 })) await blocks.delete(each.name)
        },
      },
    })),
    'blocks: random commands',
  ],
]

describe('backendCases', () => {
  it.each(MISTAKES)('finds %s', async (_, make, foundBy) => {
    const found: string[] = []
    for (const { name, run } of backendCases(make)) await run().catch(() => found.push(name))
    expect(found).toContainEqual(expect.stringContaining(foundBy))
  })

  it('finds an engine that keeps nothing, or counts versions from the start, when it is opened again', async () => {
    const last: { backend?: Backend } = {}
    const make = (): Backend => (last.backend = memoryBackend())
    const names = async (options: BackendCasesOptions): Promise<string[]> => {
      const found: string[] = []
      for (const { name, run } of backendCases(make, options)) await run().catch(() => found.push(name))
      return found
    }
    expect(await names({ reopen: () => memoryBackend() })).toHaveLength(3)
    const forgetful = async (): Promise<Backend> => {
      const copy = memoryBackend()
      for (const { key, value } of await last.backend!.metadata.list({ prefix: new Uint8Array(0), limit: 10 })) {
        await copy.metadata.commit([], [{ key, value }])
      }
      return copy
    }
    expect(await names({ reopen: forgetful })).toContainEqual(expect.stringContaining('versions do not recur'))
  })

  it('finds an engine that has another error for a full disk, or that forgets what it has when it is full', async () => {
    const small = (onFull: (backend: Backend) => Promise<void>) => (): Backend => {
      const backend = memoryBackend()
      const { blocks } = backend
      let left = 5
      return {
        ...backend,
        blocks: {
          ...blocks,
          async put(name, bytes, options) {
            if (left === 0) return onFull(backend)
            left--
            await blocks.put(name, bytes, options)
          },
          async delete(name, options) {
            left++
            await blocks.delete(name, options)
          },
        },
      }
    }
    const isFound = async (onFull: (backend: Backend) => Promise<void>): Promise<boolean> => {
      const last = backendCases(() => memoryBackend(), { makeSmall: small(onFull) }).at(-1)!
      return last.run().then(
        () => false,
        () => true,
      )
    }
    const full = Object.assign(new Error('full'), { name: 'QuotaExceededError' })
    expect(await isFound(() => Promise.reject(full))).toBe(false)
    expect(await isFound(() => Promise.reject(new Error('full')))).toBe(true)
    expect(await isFound(() => Promise.resolve())).toBe(true)
    const forget = async ({ blocks }: Backend): Promise<void> => {
      await blocks.delete('o.1')
      throw full
    }
    expect(await isFound(forget)).toBe(true)
  })
})
