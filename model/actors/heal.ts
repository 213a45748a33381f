import type { Mutations, PageEntry, StreamRow } from '../rows.ts'
import { pageSetOf } from '../world.ts'
import type { Writer } from './writer-view.ts'

/**
 * Heal: the target takes our page set, and we take its former one. Our row is then deleted as a duplicate. No page row
 * moves.
 *
 * @returns what the last commit writes for the two streams
 */
export function heal(writer: Writer, targetId: string, target: StreamRow): Mutations {
  const { planted, id, streamKey } = writer
  const targetKey = `s/${targetId}` as const
  const formerPages = pageSetOf(target, targetId)
  const healed: StreamRow = { ...target, status: 'stored', was: undefined, damaged: undefined }
  const own: StreamRow = { status: 'deleting', epoch: writer.epoch, offset: target.offset, duplicate: 1 }
  const mutations = writer.groupRows()
  if (planted.healRows)
    return { ...exchangeRows(writer, mutations, formerPages), [targetKey]: healed, [streamKey]: own }
  if (planted.healInPlace) {
    const dead = nameOurObjects(writer, mutations, formerPages, target)
    return { ...mutations, [targetKey]: healed, [streamKey]: own, [`t/${targetId}/~`]: { page: [], dead } }
  }
  return {
    ...mutations,
    [targetKey]: { ...healed, pageSet: id },
    [streamKey]: { ...own, pageSet: formerPages },
  }
}

/** Planted: the pages are exchanged row by row. */
function exchangeRows(writer: Writer, mutations: Mutations, formerPages: string): Mutations {
  for (const theirs of writer.world.keys(`m/${formerPages}/`)) {
    const ours = `m/${writer.id}/${theirs.split('/')[2]}` as const
    mutations[theirs] = mutations[ours] ?? writer.row(ours)
    mutations[ours] = writer.row(theirs)
  }
  return mutations
}

/** Planted: in the target's pages, our objects replace the bad ones. */
function nameOurObjects(writer: Writer, mutations: Mutations, formerPages: string, target: StreamRow): string[] {
  const dead: string[] = []
  for (const theirs of writer.world.keys(`m/${formerPages}/`)) {
    const page = `m/${writer.id}/${theirs.split('/')[2]}` as const
    const ours = (mutations[page] ?? writer.row(page)) as readonly PageEntry[]
    mutations[theirs] = (writer.row(theirs) ?? []).map((entry, index) => {
      if (!target.damaged && writer.world.isThere(entry[0])) return entry
      dead.push(entry[0])
      return ours[index] as PageEntry
    })
  }
  return dead
}
