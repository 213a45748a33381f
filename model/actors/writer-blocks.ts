import type { End, Steps } from '../actor-view.ts'
import type { Key, Mutations, StreamRow } from '../rows.ts'
import type { Check } from '../state.ts'
import type { Writer, WriterStep } from './writer-view.ts'

type Step =
  | 'readBlock'
  | 'holdBlock'
  | 'commitIntents'
  | 'putObject'
  | 'append'
  | 'commitTailIntent'
  | 'putTail'
  | 'setTail'

/** Stores blocks: commit the intents, put the objects, append them to the pages. */
export const BLOCKS_STEPS: Readonly<Record<Step, (writer: Writer) => WriterStep | End>> = {
  /** With block de-duplication: read b, then check that the object exists. */
  readBlock(writer) {
    const block = writer.see(`b/${writer.digest}`)
    return block && (writer.world.isThere(block.objectName) || writer.planted.holdUnasked)
      ? 'holdBlock'
      : 'commitIntents'
  },

  /** Adding a holder checks AND rewrites b. */
  holdBlock(writer) {
    const { locals, digest, streamKey } = writer
    const blockKey = `b/${digest}` as const
    const page = writer.pageAt(writer.offset)
    const block = writer.row(blockKey)
    const objectName = block?.objectName as string
    const applied = writer.commit(writer.seen(streamKey, blockKey), {
      ...(writer.planted.noRewriteB ? {} : { [blockKey]: block }),
      [`br/${objectName}/${writer.id}`]: 1,
      [page]: [...(writer.row(page) ?? []), [objectName, digest]],
      [streamKey]: { ...(writer.stream as StreamRow), offset: writer.offset + 1 },
    })
    writer.forget(blockKey)
    if (!applied) return 'readOwnRow'
    writer.see(streamKey)
    locals.offset = writer.offset + 1
    writer.tellOffset()
    return writer.nextBlock()
  },

  commitIntents(writer) {
    const { locals, planted, id } = writer
    if (!planted.sameIntents || !locals.group) {
      locals.group = writer.newNames(Math.min(writer.params.group ?? 1, writer.text.length - writer.offset))
    }
    locals.place = 0
    if (planted.noIntents) return 'putObject'
    const mutations: Mutations = {}
    for (const objectName of locals.group) mutations[`i/${objectName}`] = { id }
    return writer.commit([], mutations) ? 'putObject' : 'readOwnRow'
  },

  /** A new attempt uses a new name. The intent of the old one stays. */
  putObject(writer) {
    const { params, locals, planted, text, offset } = writer
    const group = locals.group ?? []
    const place = locals.place ?? 0
    const applied = writer.put(group[place] ?? '', text[offset + place] ?? '')
    if (applied === null) return planted.sameName ? 'putObject' : 'readOwnRow'
    if (planted.toldEarly) writer.world.ghost(`toldOffset/${writer.id}`, offset + 1)
    locals.place = place + 1
    if (place + 1 < group.length) return 'putObject'
    return params.join && offset + group.length === text.length ? 'readDigest' : 'append'
  },

  /** Commit {check s; append to m; delete the intents}. A tail that is used up becomes an intent again. */
  append(writer) {
    const { locals, planted, id, digest, streamKey, sharesBlocks } = writer
    const stream = writer.stream
    const group = locals.group ?? []
    const blockKey = `b/${digest}` as const
    const mutations = writer.groupRows()
    if (sharesBlocks) {
      const objectName = group[0] ?? ''
      mutations[blockKey] = { objectName }
      mutations[`br/${objectName}/${id}`] = 1
    }
    if (stream?.tail && !planted.tailForgotten) mutations[`i/${stream.tail}`] = { id }
    const checks: Check[] = []
    if (!planted.appendUnchecked) checks.push(...writer.seen(streamKey))
    if (sharesBlocks) checks.push(...writer.seen(blockKey))
    const applied = writer.commit(checks, {
      ...mutations,
      [streamKey]: { ...(stream as StreamRow), offset: writer.offset + group.length, tail: undefined },
    })
    locals.group = null
    writer.forget(blockKey)
    if (!applied) return 'readOwnRow'
    writer.see(streamKey)
    locals.offset = writer.offset + group.length
    writer.tellOffset()
    return writer.nextBlock()
  },

  commitTailIntent(writer) {
    const group = writer.newNames(1)
    writer.locals.group = group
    return writer.commit([], { [intentKey(group)]: { id: writer.id } }) ? 'putTail' : 'readOwnRow'
  },

  putTail(writer) {
    writer.put(writer.locals.group?.[0] ?? '', '~')
    return 'setTail'
  },

  /** Names the tail in s. A tail that a longer one replaces becomes an intent again. */
  setTail(writer) {
    const { locals, planted, id, streamKey } = writer
    const stream = writer.stream
    const group = locals.group ?? []
    const applied = writer.commit(writer.seen(streamKey), {
      [streamKey]: { ...(stream as StreamRow), tail: group[0] },
      [intentKey(group)]: null,
      ...(stream?.tail && !planted.tailForgotten ? { [`i/${stream.tail}`]: { id } } : {}),
    })
    locals.group = null
    if (!applied) return 'readOwnRow'
    writer.see(streamKey)
    writer.tellOffset()
    return writer.params.suspend ? 'suspended' : writer.firstStepOfBlock()
  },
} satisfies Pick<Steps<Writer, WriterStep>, Step>

function intentKey(group: readonly string[]): Key<'i'> {
  return `i/${group[0] ?? ''}`
}
