import type { End, Steps } from '../actor-view.ts'
import { EXPIRING, PERMANENT } from '../rows.ts'
import type { AliasRow, Key, Mutations, StreamRow } from '../rows.ts'
import type { Check } from '../state.ts'
import { heal } from './heal.ts'
import type { Writer, WriterStep } from './writer-view.ts'

type Step =
  | 'readDigest'
  | 'readTarget'
  | 'askTarget'
  | 'verifyHeld'
  | 'withdrawBlock'
  | 'readAlias'
  | 'lastCommit'
  | 'dropCandidate'
  | 'secondCommit'
  | 'rememberAnswer'

/**
 * The end of storing, once the digest is known: new content, a hit, or a heal, with reference and alias in ONE commit.
 */
export const ENDING_STEPS: Readonly<Record<Step, (writer: Writer) => WriterStep | End>> = {
  readDigest(writer) {
    const { locals, streamKey } = writer
    locals.versions = { [streamKey]: writer.versions[streamKey] as number }
    locals.hit = writer.see(writer.digestKey)
    locals.stream = null
    locals.sick = 0
    if (locals.hit === writer.id) locals.hit = null
    return locals.hit ? 'readTarget' : afterTarget(writer)
  },

  readTarget(writer) {
    const { locals, world } = writer
    locals.stream = writer.see(`s/${locals.hit}`)
    if (!world.isUsable(locals.stream)) locals.hit = null
    return locals.hit && world.scenario.damage ? 'askTarget' : afterTarget(writer)
  },

  /**
   * Asks for the lengths of the target's objects AFTER its s was read. They do not show wrong bytes, but the damage
   * mark does.
   */
  askTarget(writer) {
    const { locals, planted, text } = writer
    const stream = locals.stream as StreamRow
    locals.sure = writer.seesDamage(stream) && !(locals.unknown && !locals.sure) ? 1 : 0
    const blocks = writer.world.blocksOf(locals.hit ?? '', stream)
    const missing = blocks.length !== text.length || blocks.some(([objectName]) => !writer.world.isThere(objectName))
    locals.sick = (missing && !planted.unasked) || (stream.damaged && !planted.ignoreMark) ? 1 : 0
    return locals.sick && writer.sharesBlocks && !planted.healUnverified ? 'verifyHeld' : afterTarget(writer)
  },

  /**
   * A heal with shared blocks reads every block that it holds but did not put, because it may be one of the bad ones.
   */
  verifyHeld(writer) {
    const { locals, world } = writer
    const badBlock = world.blocksOf(writer.id).find((entry) => !world.fits(entry))
    locals.badBlock = badBlock
    if (!badBlock) return afterTarget(writer)
    locals.verdict = 'lost'
    return writer.see(`b/${badBlock[1]}`)?.objectName === badBlock[0] ? 'withdrawBlock' : 'condemnOwn'
  },

  /** A bad block must not be shared again. The caller is told to retry. */
  withdrawBlock(writer) {
    const key = `b/${writer.locals.badBlock?.[1]}` as const
    writer.commit(writer.seen(key), { [key]: null })
    writer.forget(key)
    writer.locals.badBlock = null
    return 'condemnOwn'
  },

  /** An expired entry counts as absent, but its reference is removed. */
  readAlias(writer) {
    const { locals, planted, aliasKey } = writer
    const entry = writer.see(aliasKey)
    locals.formerId = entry && !(planted.oldForgotten && writer.world.isExpired(aliasKey)) ? entry.id : null
    if (planted.matchOnce || writer.matches(entry)) return 'lastCommit'
    locals.verdict = 'refused'
    return 'condemnOwn'
  },

  lastCommit(writer) {
    const { params, locals, planted, streamKey } = writer
    const targetId = locals.hit ?? writer.id
    if (planted.candidateDroppedFirst && !locals.hit && !locals.dropped) {
      writer.commit([], { [writer.candidateKey]: null })
      locals.dropped = 1
      return 'lastCommit'
    }
    if (planted.askStale && locals.hit) locals.stream = writer.see(`s/${locals.hit}`)
    const healing = Boolean(locals.hit && locals.sick)
    const marked = Boolean(locals.hit && writer.row(`s/${targetId}`)?.damaged)
    const applied = writer.commit(lastChecks(writer, healing), {
      ...referenceRows(writer, targetId),
      ...streamRows(writer, targetId, healing),
      ...candidateRows(writer, targetId),
    })

    const { hit } = locals
    const separately = Boolean(planted.dupSeparate && hit)
    locals.versions = { [streamKey]: writer.versions[streamKey] as number }
    locals.stream = locals.hit = locals.formerId = null
    if (applied === null) {
      locals.unknown = 1
      if (!planted.noReread) locals.tried = targetId
    }
    if (!applied) return separately ? 'readDigest' : 'readOwnRow'
    writer.see(streamKey)
    if (marked) locals.sure = 1
    if (planted.twoCommits) {
      locals.hit = targetId
      return 'secondCommit'
    }
    if (params.upload) return planted.doneSeparate ? 'rememberAnswer' : 'ack'
    if (!hit) return planted.candidateDroppedAfter || planted.candidateDroppedWithS ? 'dropCandidate' : 'ack'
    locals.verdict = 'ack'
    if (separately) return 'condemnOwn'
    // After a heal we delete nothing, because readers may use the pages that we have now. Collection moves them to
    // trash.
    return writer.sharesBlocks || (healing && !planted.healWipes) ? 'ack' : 'listOwn'
  },

  /** Planted. */
  dropCandidate(writer) {
    const checks = writer.planted.candidateDroppedWithS ? writer.seen(writer.streamKey) : []
    writer.commit(checks, { [writer.candidateKey]: null })
    return 'ack'
  },

  /** Planted. */
  secondCommit(writer) {
    writer.commit([], { [writer.referenceTo(writer.locals.hit ?? '')]: { expiry: PERMANENT } })
    return 'ack'
  },

  /** Planted. */
  rememberAnswer(writer) {
    writer.commit([], writer.timed(writer.uploadKey, { answer: 'stored', expiry: EXPIRING }))
    return 'ack'
  },
} satisfies Pick<Steps<Writer, WriterStep>, Step>

function afterTarget(writer: Writer): WriterStep {
  return writer.params.alias ? 'readAlias' : 'lastCommit'
}

/**
 * Reference and alias. The old reference is removed BEFORE the new one is set, so it stays if both streams are the
 * same.
 */
export function referenceRows(writer: Writer, targetId: string): Mutations {
  const { params, locals, planted, aliasKey } = writer
  const mutations: Mutations = {}
  const removeOld = () => {
    if (!params.alias || !locals.formerId) return
    mutations[writer.referenceTo(locals.formerId)] = null
    // If both streams are the same, the stream cannot have become dead.
    if (locals.formerId === targetId || planted.updateNoCandidate) return
    mutations[`c/${locals.formerId}`] = 1
  }
  if (!planted.setThenRemove) removeOld()
  const expiry = params.refExpires ? EXPIRING : PERMANENT
  if (writer.reference && !planted.twoCommits) mutations[writer.referenceTo(targetId)] = { expiry, by: writer.id }
  if (params.alias) {
    const entry: AliasRow = { id: targetId, etag: writer.text, ...(params.expires ? { expiry: EXPIRING } : {}) }
    const applications = `applied/${params.upload ? writer.uploadKey : writer.actor.name}` as const
    Object.assign(mutations, writer.timed(aliasKey, entry))
    mutations[applications] = (writer.row(applications) ?? 0) + 1
  }
  if (planted.setThenRemove) removeOld()
  if (params.upload && !planted.doneSeparate) {
    Object.assign(mutations, writer.timed(writer.uploadKey, { answer: 'stored', expiry: EXPIRING }))
  }
  return mutations
}

/** Rows of the writer's own stream, and of the target of a hit. */
function streamRows(writer: Writer, targetId: string, healing: boolean): Mutations {
  const { locals, planted, id, text, streamKey, digestKey } = writer
  if (!locals.hit) {
    const stored: StreamRow = { status: 'stored', epoch: writer.epoch, offset: text.length, text }
    return { ...writer.groupRows(), [streamKey]: stored, [digestKey]: id }
  }
  const target = locals.stream as StreamRow
  if (healing) return heal(writer, targetId, target)
  const mutations: Mutations = {}
  if (target.status === 'condemned') mutations[`s/${targetId}`] = { ...target, status: 'stored', was: undefined }
  if (!planted.dupSeparate) {
    mutations[streamKey] = { status: 'deleting', epoch: writer.epoch, offset: writer.offset, duplicate: 1 }
  }
  return mutations
}

/**
 * Storing with a permanent reference deletes c (and sets no lease), so that a collection visits only streams that may
 * be dead. A reference that expires needs c. The target of a hit keeps its c, because it may have other references that
 * expire. Our own row needs its c until it is deleted.
 */
function candidateRows(writer: Writer, targetId: string): Mutations {
  const { params, locals, planted } = writer
  const permanent = writer.reference !== '' && !params.refExpires
  const ours = { [writer.candidateKey]: null }
  if (locals.hit) {
    if (planted.candidateOfOwnDropped) return ours
    if (planted.candidateOfTargetDropped) return { [`c/${targetId}`]: null }
    return params.refExpires && !planted.hitNoCandidate ? { [`c/${targetId}`]: 1 } : {}
  }
  const later = planted.candidateKept || planted.candidateDroppedAfter || planted.candidateDroppedWithS
  return (permanent && !later) || planted.candidateAlwaysDropped ? ours : {}
}

/** Checks our own s, the alias, and either h or the target's s, as it was read before its objects were asked for. */
function lastChecks(writer: Writer, healing: boolean): Check[] {
  const { params, locals, planted, streamKey, digestKey } = writer
  const target: Key = locals.hit ? `s/${locals.hit}` : digestKey
  const ownUnchecked =
    planted.lastUnchecked || (planted.dupSeparate && locals.hit) || (healing && planted.healOwnUnchecked)
  return [
    ...(ownUnchecked ? [] : writer.seen(streamKey)),
    ...(params.alias ? writer.seen(writer.aliasKey) : []),
    ...(healing && planted.healTargetUnchecked ? [] : writer.seen(target)),
  ]
}
