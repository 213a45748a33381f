import type { End, Steps } from '../actor-view.ts'
import type { Key, Mutations, StreamRow, UploadRow } from '../rows.ts'
import type { Writer, WriterStep } from './writer-view.ts'

type Step = 'condemnOwn' | 'listOwn' | 'deleteObject' | 'deleteRows'

/**
 * Removes the writer's own stream after an abort or as a duplicate: first marks its row, so that no actor continues the
 * stream. Then deletes the objects that its pages and intents name now, never those that the writer remembers. Then
 * deletes the rows.
 */
export const REMOVAL_STEPS: Readonly<Record<Step, (writer: Writer) => WriterStep | End>> = {
  condemnOwn(writer) {
    const { params, locals, planted, streamKey } = writer
    const verdict = locals.verdict ?? 'lost'
    if (planted.ownUnchecked) return 'listOwn'
    if (!writer.versions[streamKey]) return verdict
    const answer: UploadRow | null = planted.refusalForgotten ? null : { answer: verdict, expiry: 1 }
    const applied = writer.commit(writer.seen(streamKey), {
      [streamKey]: { ...(writer.stream as StreamRow), status: 'deleting', givenUp: 1 },
      ...(params.upload ? writer.timed(writer.uploadKey, answer) : {}),
    })
    if (!applied) return 'readOwnRow'
    writer.see(streamKey)
    return params.upload || (writer.sharesBlocks && !planted.ownWipesShared) ? verdict : 'listOwn'
  },

  listOwn(writer) {
    const { world, locals, id } = writer
    const stream = writer.see(writer.streamKey)
    const ownNames = `o${writer.actor.name}.`
    const pages = world.keys(`m/${id}/`)
    const intents = world.keys(`i/${ownNames}`)
    const rows: Key[] = [
      ...pages,
      ...intents,
      ...world.keys('br/').filter((key) => key.endsWith(`/${id}`)),
      ...world.keys('b/').filter((key) => world.row(key)?.objectName.startsWith(ownNames)),
    ]
    locals.rows = rows
    locals.doomed = [
      ...pages.flatMap((key) => (world.row(key) ?? []).map(([objectName]) => objectName)),
      ...intents.map((key) => key.slice(2)),
    ].concat(stream?.tail ?? [])
    return locals.doomed.length > 0 ? 'deleteObject' : 'deleteRows'
  },

  deleteObject(writer) {
    const { locals } = writer
    const [objectName, ...rest] = locals.doomed ?? []
    if (objectName !== undefined) writer.deleteObject(objectName)
    locals.doomed = rest
    return rest.length > 0 ? 'deleteObject' : 'deleteRows'
  },

  deleteRows(writer) {
    const { locals, planted, streamKey } = writer
    const mutations: Mutations = {}
    for (const key of [...(locals.rows ?? []), streamKey, writer.candidateKey]) mutations[key] = null
    writer.commit(planted.ownUnchecked ? [] : writer.seen(streamKey), mutations)
    locals.rows = null
    return locals.verdict ?? 'lost'
  },
} satisfies Pick<Steps<Writer, WriterStep>, Step>
