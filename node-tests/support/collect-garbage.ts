import { equalBytes } from '../../src/bytes/byte-order.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import type { Backend } from '../../src/store.ts'
import {
  formatCandidate,
  formatStream,
  PAGE_ENTRIES,
  parsePage,
  parseStream,
  parseStreamId,
  type StreamRecord,
} from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'

/**
 * An adversary: collects by the protocol, as if every lease and every grace were over, one step an await, so that other
 * processes come between. Nothing that it may remove by the rules is safe from it.
 */
export async function collectGarbage({ metadata, blocks }: Backend): Promise<void> {
  const keys = new RowKeys('')
  /** What all keys of a stream's references begin with: owner and form stand after it, a byte each. */
  const referencesOf = (id: Uint8Array) => keys.reference(id, 'user', 'inline', new Uint8Array(0)).slice(0, -2)
  const candidates = await metadata.list({ prefix: keys.candidate(new Uint8Array(0)), limit: 1000 })
  for (const { key, version: candidateVersion } of candidates) {
    const id = key.slice(3)
    const streamKey = keys.stream(id)
    /** Changes the row if it still is as it was read. */
    const change = (version: string, record: StreamRecord, more: { key: Uint8Array; value: undefined }[] = []) =>
      metadata.commit(
        [{ key: streamKey, version }],
        [
          { key: streamKey, value: formatStream(record) },
          { key: keys.candidate(id), value: formatCandidate(1) },
          ...more,
        ],
      )
    const referenced = async (): Promise<boolean> =>
      (await metadata.list({ prefix: referencesOf(id), limit: 1 })).length > 0

    const row = await metadata.get(streamKey)
    if (!row) continue
    let record = parseStream(row.value)
    let version: string | false = row.version
    const { status } = record
    if (status.kind === 'stored' && (await referenced())) {
      // It is a candidate no longer, unless it has become one again since.
      const checks = [
        { key, version: candidateVersion },
        { key: streamKey, version },
      ]
      await metadata.commit(checks, [{ key, value: undefined }])
      continue
    }
    if (status.kind === 'stored' || status.kind === 'storing') {
      record = { ...record, status: { kind: 'condemned', former: status.kind } }
      version = await change(version, record)
      if (!version) continue
    }
    if (record.status.kind === 'condemned') {
      if (record.status.former === 'stored' && (await referenced())) {
        await change(version, { ...record, status: { kind: 'stored' } })
        continue
      }
      record = { ...record, status: { kind: 'deleting', reason: 'collected' } }
      const digestKey = record.digest && keys.digest(record.digest)
      const digestRow = digestKey && (await metadata.get(digestKey))
      const ours = digestKey && digestRow && equalBytes(parseStreamId(digestRow.value), id)
      version = await change(version, record, ours ? [{ key: digestKey, value: undefined }] : [])
      if (!version) continue
    }
    const rows = [streamKey, keys.candidate(id)]
    for (let page = 0; page * PAGE_ENTRIES < record.blockCount; page++) {
      const pageKey = keys.page(record.pageSet ?? id, page)
      const value = (await metadata.get(pageKey))?.value
      for (const { object } of value ? parsePage(value).entries : []) await blocks.delete(keys.object(object))
      rows.push(pageKey)
    }
    await metadata.commit(
      [{ key: streamKey, version }],
      rows.map((each) => ({ key: each, value: undefined })),
    )
  }
  await reapIntents({ metadata, blocks }, keys)
}

/** Objects that were to be put for a stream that nobody stores any more: the stream first, then the intent AGAIN. */
async function reapIntents({ metadata, blocks }: Pick<Backend, 'metadata' | 'blocks'>, keys: RowKeys): Promise<void> {
  for (const { key, value } of await metadata.list({ prefix: keys.intent(new Uint8Array(0)), limit: 1000 })) {
    const row = await metadata.get(keys.stream(parseStreamId(value)))
    const status = row && parseStream(row.value).status
    if (status?.kind === 'storing' || (status?.kind === 'condemned' && status.former === 'storing')) continue
    if (!(await metadata.get(key))) continue
    await blocks.delete(`o.${toHex(key.slice(3))}`)
    await metadata.commit([], [{ key, value: undefined }])
  }
}
