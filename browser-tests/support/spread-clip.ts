/**
 * Returns the parts of an mp4 with other bytes in the middle of its media. It plays the same, but a player gets the second
 * half only if it requests it.
 */
export function spreadClip(mp4: Uint8Array<ArrayBuffer>, gap: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const moov = boxes(mp4, 0, mp4.byteLength).find(({ type }) => type === 'moov')!
  const mdat = boxes(mp4, 0, mp4.byteLength).find(({ type }) => type === 'mdat')!
  const view = new DataView(mp4.slice().buffer)
  const tables = find(mp4, moov, ['trak', 'mdia', 'minf', 'stbl', 'stco'])
  const fields = tables.flatMap(({ body }) =>
    Array.from({ length: view.getUint32(body + 4) }, (_, i) => body + 8 + 4 * i),
  )
  const offsets = fields.map((field) => view.getUint32(field))
  const split = Math.min(...offsets.filter((offset) => offset >= (mdat.body + mdat.end) / 2))
  for (const [i, field] of fields.entries()) {
    if (offsets[i]! >= split) view.setUint32(field, offsets[i]! + gap.byteLength)
  }
  view.setUint32(mdat.start, mdat.end - mdat.start + gap.byteLength)
  const spread = new Uint8Array(view.buffer)
  return [spread.subarray(0, split), gap, spread.subarray(split)]
}

/** Returns an mp4 that plays `factor` times as long. */
export function slowClip(mp4: Uint8Array<ArrayBuffer>, factor: number): Uint8Array<ArrayBuffer> {
  const slow = mp4.slice()
  const view = new DataView(slow.buffer)
  const moov = boxes(mp4, 0, mp4.byteLength).find(({ type }) => type === 'moov')!
  for (const path of [['mvhd'], ['trak', 'mdia', 'mdhd']]) {
    for (const { body } of find(mp4, moov, path)) {
      const timescale = body + 12
      view.setUint32(timescale, Math.round(view.getUint32(timescale) / factor))
    }
  }
  return slow
}

interface Box {
  readonly type: string
  readonly start: number
  readonly body: number
  readonly end: number
}

function boxes(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): Box[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const found: Box[] = []
  for (let offset = start; offset < end; offset += view.getUint32(offset)) {
    const type = new TextDecoder().decode(bytes.subarray(offset + 4, offset + 8))
    found.push({ type, start: offset, body: offset + 8, end: offset + view.getUint32(offset) })
  }
  return found
}

/** Returns all boxes at a path within a box. */
function find(bytes: Uint8Array<ArrayBuffer>, box: Box, [type, ...path]: string[]): Box[] {
  if (type === undefined) return [box]
  const inner = boxes(bytes, box.body, box.end).filter((child) => child.type === type)
  return inner.flatMap((child) => find(bytes, child, path))
}
