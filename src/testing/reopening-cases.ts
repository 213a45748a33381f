import { equalBytes } from '../bytes/byte-order.ts'
import { toHex } from '../bytes/byte-text.ts'
import type { Backend, Metadata } from '../store/backend.ts'
import { check, isVersion, key, mustGet, namesOf, same, set, type Test } from './checks.ts'

/** The cases for an engine that keeps what was acknowledged. `reopen` opens what the backend of the case has open. */
export function reopeningCases(reopen: () => Promise<Backend> | Backend): readonly Test[] {
  return [
    [
      'what was acknowledged is there when it is opened again, and versions do not recur',
      async (backend) => {
        const before = await fill(backend)
        const again = await reopen()
        try {
          await checkFilled(again, before)
          const seen = new Set(before.versions)
          for (let i = 0; i < 20; i++) {
            const version = await set(again.metadata, '6b', '03')
            check(!seen.has(version), 'the version is new')
            seen.add(version)
            await again.metadata.commit([], [{ key: key('6b'), value: undefined }])
          }
        } finally {
          await again.close()
        }
      },
    ],
    [
      'what was acknowledged is there after it was closed',
      async (backend) => {
        const before = await fill(backend)
        await backend.close()
        const again = await reopen()
        try {
          await checkFilled(again, before)
        } finally {
          await again.close()
        }
      },
    ],
    [
      'two that have it open see what the other writes, and at most one of two commits with the same check wins',
      async (one) => {
        const other = await reopen()
        try {
          const version = await set(one.metadata, '6b', '01')
          check((await mustGet(other.metadata, '6b')).version === version, 'the row is seen')
          await other.blocks.put('o.00', key('01'))
          check((await one.blocks.get('o.00')) !== undefined, 'the object is seen')
          const increments = [one, other].flatMap(({ metadata }) =>
            Array.from({ length: 5 }, () => increment(metadata)),
          )
          await Promise.all(increments)
          check((await mustGet(one.metadata, '6b')).value[0] === 11, 'all increments are counted')
        } finally {
          await other.close()
        }
      },
    ],
  ]
}

interface Filled {
  /** All versions that the row had. */
  readonly versions: readonly string[]
  readonly object: Uint8Array
}

async function fill({ metadata, blocks }: Backend): Promise<Filled> {
  const versions: string[] = []
  for (const value of ['01', '02']) versions.push(await set(metadata, '6b', value))
  await set(metadata, '6c', '01')
  await metadata.commit([], [{ key: key('6c'), value: undefined }])
  const object = new Uint8Array(100_000).fill(7)
  await blocks.put('o.00', object)
  await blocks.put('o.01', object)
  await blocks.delete('o.01')
  return { versions, object }
}

async function checkFilled({ metadata, blocks }: Backend, { versions, object }: Filled): Promise<void> {
  const row = await mustGet(metadata, '6b')
  check(toHex(row.value) === '02' && row.version === versions.at(-1), 'the row has its last value and version')
  check((await metadata.get(key('6c'))) === undefined, 'the deleted row is absent')
  check(equalBytes((await blocks.get('o.00'))!, object), 'the object is whole')
  same(namesOf(await blocks.list({ prefix: '', limit: 10 })), ['o.00'], 'the objects')
}

/** Adds 1 to the row, as often as it takes until no other commit comes between. */
async function increment(metadata: Metadata): Promise<void> {
  for (;;) {
    const { value, version } = await mustGet(metadata, '6b')
    const mutation = { key: key('6b'), value: new Uint8Array([value[0]! + 1]) }
    if (isVersion(await metadata.commit([{ key: key('6b'), version }], [mutation]))) return
  }
}
