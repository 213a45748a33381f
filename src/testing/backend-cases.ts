import { toHex } from '../bytes/byte-text.ts'
import type { Backend } from '../store/backend.ts'
import { BLOCK_CASES } from './block-cases.ts'
import { check, key, namesOf, same, set, type Test } from './checks.ts'
import { FULL_CASE } from './full-case.ts'
import { METADATA_CASES } from './metadata-cases.ts'
import { reopeningCases } from './reopening-cases.ts'

/** A test of one thing that a backend must do. */
export interface BackendCase {
  /** What the backend must do. */
  readonly name: string
  /** Tests it on a backend of its own; rejects if the backend does not do it. */
  run(): Promise<void>
}

/** Options of {@linkcode backendCases}. */
export interface BackendCasesOptions {
  /**
   * Opens what the last backend of `makeBackend` has opened, once more; that one is not closed yet, as after a crash.
   * For engines that keep what was acknowledged.
   */
  reopen?: () => Promise<Backend> | Backend
  /** Makes an empty backend in which 4 objects of 100,000 bytes have space, but not 100, as with a small disk or quota. */
  makeSmall?: () => Promise<Backend> | Backend
}

/**
 * The cases of the suite.
 *
 * @param makeBackend Makes an empty backend, which is closed when its case has ended.
 */
export function backendCases(
  makeBackend: () => Promise<Backend> | Backend,
  { reopen, makeSmall }: BackendCasesOptions = {},
): BackendCase[] {
  const cases = [...METADATA_CASES, ...BLOCK_CASES, ...BACKEND_CASES].map((test) => caseOf(test, makeBackend))
  if (reopen) cases.push(...reopeningCases(reopen).map((test) => caseOf(test, makeBackend)))
  if (makeSmall) cases.push(caseOf(FULL_CASE, makeSmall))
  return cases
}

function caseOf([name, test]: Test, makeBackend: () => Promise<Backend> | Backend): BackendCase {
  return {
    name,
    async run() {
      const backend = await makeBackend()
      try {
        await test(backend)
      } finally {
        await backend.close()
      }
    },
  }
}

const BACKEND_CASES: readonly Test[] = [
  [
    'every call rejects with the reason of a signal that has aborted, and changes nothing',
    async ({ metadata, blocks }) => {
      await set(metadata, '6b', '01')
      await blocks.put('o.00', key('01'))
      // A reason may be anything.
      for (const reason of [{ reason: 'enough' }, null]) {
        const signal = AbortSignal.abort(reason)
        const calls = [
          metadata.get(key('6b'), { signal }),
          metadata.list({ prefix: key(''), limit: 1, signal }),
          metadata.commit([], [{ key: key('6b'), value: undefined }], { signal }),
          blocks.put('o.01', key('01'), { signal }),
          blocks.get('o.00', { signal }),
          blocks.size('o.00', { signal }),
          blocks.delete('o.00', { signal }),
          blocks.list({ prefix: '', limit: 1, signal }),
        ]
        for (const { status, ...result } of await Promise.allSettled(calls)) {
          check(status === 'rejected' && 'reason' in result && result.reason === reason, 'it rejects with the reason')
        }
      }
      check((await metadata.get(key('6b'))) !== undefined, 'the row is there')
      same(namesOf(await blocks.list({ prefix: '', limit: 10 })), ['o.00'], 'the objects')
    },
  ],
  [
    'every call rejects once the backend is closed; closing again is fine',
    async (backend) => {
      const { metadata, blocks } = backend
      await backend.close()
      await backend.close()
      const calls = [
        metadata.get(key('6b')),
        metadata.list({ prefix: key('6b'), limit: 1 }),
        metadata.commit([], []),
        blocks.put('o.01', key('01')),
        blocks.get('o.00'),
        blocks.size('o.00'),
        blocks.delete('o.00'),
        blocks.list({ prefix: '', limit: 1 }),
      ]
      for (const { status } of await Promise.allSettled(calls)) check(status === 'rejected', 'it rejects')
    },
  ],
  [
    'the hash that it brings, if any, is SHA-256, in pieces',
    async (backend) => {
      const hash = backend.createHash?.()
      if (!hash) return
      const buffer = new Uint8Array([0x61, 0x62])
      hash.update(buffer)
      buffer.fill(0x63)
      hash.update(buffer.subarray(1))
      const digest = toHex(hash.digest())
      check(digest === 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', `of "abc": ${digest}`)
    },
  ],
]
