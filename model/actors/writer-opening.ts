import type { End, Steps } from '../actor-view.ts'
import type { StreamRow } from '../rows.ts'
import type { Writer, WriterStep } from './writer-view.ts'

type Step = 'start' | 'readUpload' | 'create' | 'readForTakeOver' | 'takeOver' | 'patchAfterHead' | 'readOwnRow'

/** Creates a stream or takes one over. After a commit that failed or is unknown, reads its own row. */
export const OPENING_STEPS: Readonly<Record<Step, (writer: Writer) => WriterStep | End>> = {
  start(writer) {
    const { params, locals } = writer
    writer.forgetAll()
    locals.offset = 0
    if (writer.seesDamage()) locals.sure = 1
    if (params.waits && !writer.row(writer.uploadKey)) return 'start'
    if (params.upload && !params.create) return 'readUpload'
    if (params.alias && !writer.matches(writer.row(writer.aliasKey))) return 'refused'
    if (params.atOnce) return 'readVersionRow'
    return params.take ? 'readForTakeOver' : 'create'
  },

  /** Every request to an upload reads up, then s, then takes the stream over. */
  readUpload(writer) {
    const upload = writer.row(writer.uploadKey)
    writer.forgetAll()
    if (upload?.answer) writer.locals.sure = 0
    if (!upload) return writer.tell404(writer.id)
    if (!upload.answer) return 'readForTakeOver'
    return upload.answer === 'stored' ? 'ack' : 'refused'
  },

  /** Creates s = storing and c, and for an upload its up row. */
  create(writer) {
    const { params, locals, id, streamKey } = writer
    const applied = writer.commit([[streamKey, 0]], {
      [streamKey]: { status: 'storing', epoch: writer.epoch, offset: 0 },
      [writer.candidateKey]: 1,
      ...(params.create ? { [writer.uploadKey]: { id } } : {}),
    })
    // A row may become absent again, so a creation of unknown outcome is never repeated: the writer takes a new id.
    if (applied === null && !writer.planted.sameId) {
      locals.id = `${id}+`
      return 'create'
    }
    if (!applied) return 'readOwnRow'
    writer.see(streamKey)
    locals.made = 1
    return writer.nextBlock()
  },

  /** Reads a stream that is storing, or was condemned while storing. If it is neither, reads the upload's row again. */
  readForTakeOver(writer) {
    const { params, locals, planted, id } = writer
    const stream = writer.see(writer.streamKey)
    const storing = stream?.status === 'storing' || stream?.was === 'storing'
    if (!storing || stream.status === 'deleting') {
      if (!params.upload) return 'lost'
      return planted.noUpReread ? writer.tell404(id) : 'readUpload'
    }
    if (planted.overdueTold && writer.world.isOverdue()) return writer.tell404(id)
    locals.offset = stream.offset
    locals.made = 1
    locals.stream = stream
    if (params.upload) {
      const stored = writer.world.blocksOf(id).map(([, digest]) => digest)
      locals.text = stored.join('') + params.text.slice(stream.offset)
    }
    return 'takeOver'
  },

  /** Check-and-set of the epoch, also for HEAD: a running append must not pass the offset that HEAD returns. */
  takeOver(writer) {
    const { params, locals, planted, streamKey } = writer
    const stream = locals.stream as StreamRow
    const head = params.head && !locals.headed
    if (head) locals.headed = 1
    if (head && planted.headUnfenced) {
      locals.epoch = stream.epoch
      writer.tellOffset(stream)
      locals.stream = null
      return 'patchAfterHead'
    }
    const applied = writer.commit(writer.seen(streamKey), {
      [streamKey]: {
        ...stream,
        status: 'storing',
        was: undefined,
        epoch: writer.epoch,
        ...(planted.tailDropped ? { tail: undefined } : {}),
      },
    })
    locals.stream = null
    if (!applied) return applied === null ? 'readOwnRow' : 'readForTakeOver'
    writer.see(streamKey)
    writer.tellOffset()
    return head ? 'patchAfterHead' : writer.nextBlock()
  },

  /** HEAD was answered. Now the client sends from the offset in the answer. */
  patchAfterHead(writer) {
    const { locals, planted } = writer
    const stream = writer.see(writer.streamKey)
    if (!stream || stream.status !== 'storing') return 'readUpload'
    if (stream.epoch !== (planted.headUnfenced ? locals.epoch : writer.epoch)) return 'mismatch'
    if (stream.offset !== locals.offset) writer.broken('an offset that HEAD gave is refused')
    return 'readForTakeOver'
  },

  /** After a commit that failed or whose outcome is unknown, the writer's own row decides. */
  readOwnRow(writer) {
    const { params, locals, planted, streamKey } = writer
    const stream = writer.see(streamKey)
    if (planted.fromMemory && !stream && locals.group) {
      locals.doomed = locals.group
      locals.rows = []
      locals.group = null
      locals.verdict = 'lost'
      return 'deleteObject'
    }
    if (!planted.sameIntents) locals.group = null
    if (planted.unknownIsFailure && locals.unknown && stream?.status === 'stored') {
      locals.reference = `${params.ref}'`
      locals.unknown = 0
      return 'readDigest'
    }
    // For an upload, its own row decides.
    if (params.upload && (!stream || stream.status === 'deleting' || stream.status === 'stored')) return 'readUpload'
    if (!stream) return rowIsGone(writer)
    if (stream.epoch !== writer.epoch && !planted.noEpoch) {
      if (!params.take || stream.status !== 'storing' || locals.tookOver) return 'lost'
      locals.tookOver = 1
      return 'readForTakeOver'
    }
    if (params.upload && stream.was === 'storing') return 'readForTakeOver'
    if (writer.world.isUsable(stream) && stream.status !== 'storing') return stream.was === 'storing' ? 'lost' : 'ack'
    if (stream.duplicate) {
      locals.verdict = 'ack'
      return writer.sharesBlocks || (stream.pageSet && !planted.healWipes) ? 'ack' : 'listOwn'
    }
    if (stream.status === 'deleting' && locals.verdict && stream.givenUp) {
      return writer.sharesBlocks ? locals.verdict : 'listOwn'
    }
    // A stream that we cannot delete is left to collection.
    if (stream.status !== 'storing') return locals.verdict ?? 'lost'
    locals.made = 1
    locals.offset = stream.offset
    return writer.nextBlock()
  },
} satisfies Pick<Steps<Writer, WriterStep>, Step>

/**
 * After a last commit of unknown outcome, the reference decides if its `by` is our id. An older one proves nothing.
 */
function rowIsGone(writer: Writer): WriterStep | End {
  const { locals, planted } = writer
  const reference = locals.tried === undefined ? null : writer.row(writer.referenceTo(locals.tried))
  if (reference && (reference.by === writer.id || planted.refTells)) return 'ack'
  return locals.verdict ?? (locals.made ? 'lost' : 'create')
}
