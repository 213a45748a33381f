import type { End, Steps } from '../actor-view.ts'
import type { Key, Mutations, StreamRow } from '../rows.ts'
import type { Check } from '../state.ts'
import { referenceRows } from './writer-ending.ts'
import type { Writer, WriterStep } from './writer-view.ts'

type Step =
  | 'readVersionRow'
  | 'readDigestFirst'
  | 'readTargetFirst'
  | 'readAliasFirst'
  | 'storeAtOnce'
  | 'lookForOwnRow'
  | 'lookAtVersionRow'
  | 'ruleOut'

/**
 * A stream without blocks that is new is stored in ONE commit, which also makes its row. That its row is absent and v is
 * as it was read is what this commit depends on, and no moment at which both hold comes back once the row existed: only a
 * collection removes the row, and it rewrites v before. So absence and v fence the commit as the version of its own row
 * fences that of another writer.
 */
export const AT_ONCE_STEPS: Readonly<Record<Step, (writer: Writer) => WriterStep | End>> = {
  readVersionRow(writer) {
    const { locals, streamKey } = writer
    writer.forgetAll()
    locals.stream = locals.hit = locals.formerId = null
    locals.unanswered = locals.refused = 0
    // It is made here.
    writer.versions[streamKey] = 0
    writer.see(VERSION)
    return 'readDigestFirst'
  },

  readDigestFirst(writer) {
    const { locals, params } = writer
    locals.hit = writer.see(writer.digestKey)
    if (locals.hit) return 'readTargetFirst'
    return params.alias ? 'readAliasFirst' : 'storeAtOnce'
  },

  /** A hit is stored as any other content is, with a row of its own. */
  readTargetFirst(writer) {
    const { locals, params, world } = writer
    const usable = world.isUsable(writer.row(`s/${locals.hit}`))
    locals.hit = null
    if (usable) {
      writer.forgetAll()
      locals.id = `${writer.id}+`
      return 'create'
    }
    return params.alias ? 'readAliasFirst' : 'storeAtOnce'
  },

  readAliasFirst(writer) {
    const { locals, aliasKey } = writer
    const entry = writer.see(aliasKey)
    locals.formerId = entry?.id ?? null
    return writer.matches(entry) ? 'storeAtOnce' : 'refused'
  },

  storeAtOnce(writer) {
    const { params, locals, planted, id, streamKey, digestKey, candidateKey } = writer
    const stored: StreamRow = { status: 'stored', epoch: writer.epoch, offset: 0, text: writer.text }
    const permanent = writer.reference !== '' && !params.refExpires
    const mutations: Mutations = {
      ...referenceRows(writer, id),
      [streamKey]: stored,
      [digestKey]: id,
      ...(permanent || planted.atOnceNoCandidate ? {} : { [candidateKey]: 1 }),
    }
    const keys: Key[] = params.alias ? [writer.aliasKey] : []
    if (!planted.atOnceDigestUnchecked) keys.push(digestKey)
    const applied = writer.commit([...writer.seen(...keys), ...absence(writer)], mutations)
    if (applied) return 'ack'
    if (applied === null) locals.unanswered = 1
    else locals.refused = 1
    if (applied === null && planted.atOnceIsFailure) return anew(writer)
    return locals.unanswered ? afterLostAnswer(writer) : 'readVersionRow'
  },

  /** After a lost answer. If v has changed, what was sent cannot be applied any more, so the own row tells. */
  lookAtVersionRow(writer) {
    writer.locals.passed = writer.world.version(VERSION) === writer.versions[VERSION] ? 0 : 1
    return writer.planted.atOnceRowFirst ? judge(writer) : 'lookForOwnRow'
  },

  lookForOwnRow(writer) {
    const { stream, locals, planted } = writer
    locals.found = !stream ? 'nothing' : stream.givenUp ? 'givenUp' : 'stored'
    return planted.atOnceRowFirst ? 'lookAtVersionRow' : judge(writer)
  },

  /** The row of a stream that is given up; a collection removes it, and rewrites v before. */
  ruleOut(writer) {
    const { locals, planted, streamKey, candidateKey } = writer
    if (planted.atOnceNotRuledOut) return locals.verdict ?? anew(writer)
    const applied = writer.commit(absence(writer), {
      [streamKey]: { status: 'deleting', epoch: writer.epoch, offset: 0, givenUp: 1 },
      [candidateKey]: 1,
    })
    if (!applied) return afterLostAnswer(writer)
    if (planted.atOnceWiped) {
      writer.see(streamKey)
      return 'listOwn'
    }
    return locals.verdict ?? anew(writer)
  },
} satisfies Pick<Steps<Writer, WriterStep>, Step>

const VERSION = 'v/'

/** The own row is absent, and was never there. */
function absence(writer: Writer): Check[] {
  const { planted, streamKey } = writer
  const keys: Key[] = []
  if (!planted.atOnceOwnUnchecked) keys.push(streamKey)
  if (!planted.atOnceVersionUnchecked) keys.push(VERSION)
  return writer.seen(...keys)
}

function afterLostAnswer(writer: Writer): WriterStep {
  return writer.planted.atOnceRowFirst ? 'lookForOwnRow' : 'lookAtVersionRow'
}

/**
 * Only this writer makes the row, so if it is there, unless ruled out, the stream is stored. If it is absent and v is as
 * it was, no collection can have removed it: the commit was not applied, and may be sent again. If v has changed, nothing
 * tells whether it was applied.
 */
function judge(writer: Writer): WriterStep | End {
  const { params, locals, planted } = writer
  const { found, passed } = locals
  locals.found = null
  locals.passed = 0
  if (found === 'stored') return 'ack'
  if (found === 'givenUp') return locals.verdict ?? anew(writer)
  if (passed) return planted.atOnceGoneIsFailure ? anew(writer) : 'lost'
  if (params.givesUp) locals.verdict = 'aborted'
  return params.givesUp || locals.refused ? 'ruleOut' : 'storeAtOnce'
}

/** What was sent is ruled out, so it is tried again under another id. */
function anew(writer: Writer): WriterStep {
  writer.locals.id = `${writer.id}+`
  return 'readVersionRow'
}
