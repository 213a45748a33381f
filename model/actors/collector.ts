import type { Steps } from '../actor-view.ts'
import { ActorView } from '../actor-view.ts'
import { PERMANENT } from '../rows.ts'
import type { Key, Mutations, PageEntry, StreamRow } from '../rows.ts'
import type { Locals } from '../state.ts'
import { pageSetOf } from '../world.ts'

interface CollectorLocals extends Locals {
  /** The remaining candidates. The first is the current one. */
  queue?: string[]
  stream?: StreamRow | null
  pageSet?: string | null
  /** An expired reference of a living stream. */
  expired?: Key<'r'> | null
  page?: Key<'m'> | null | undefined
  entryIndex?: number
  dead?: readonly string[] | null
  /** `b` names the current object. */
  named?: 0 | 1
  /** This pass has announced that it removes streams. */
  announced?: 1
}

type Step =
  | 'start'
  | 'readCandidate'
  | 'dropStaleCandidate'
  | 'listReferences'
  | 'pruneReference'
  | 'clearCandidate'
  | 'condemn'
  | 'listAgain'
  | 'pardon'
  | 'delete'
  | 'nextPage'
  | 'dropHolder'
  | 'readBlock'
  | 'listHolders'
  | 'dropHolderLate'
  | 'withdrawBlock'
  | 'movePage'
  | 'announce'
  | 'removeRows'

type Next = Step | 'done'

/** One pass over the candidates. The rest of the store is never read. */
export class Collector extends ActorView<object, CollectorLocals> {
  get id(): string {
    return this.locals.queue?.[0] ?? ''
  }

  get streamKey(): Key<'s'> {
    return `s/${this.id}`
  }

  get candidateKey(): Key<'c'> {
    return `c/${this.id}`
  }

  get stream(): StreamRow {
    return this.locals.stream as StreamRow
  }

  get page(): Key<'m'> {
    return this.locals.page as Key<'m'>
  }

  /**
   * The entry of the current page that is being dropped. Undefined after the last entry, or if another collector moved
   * the page.
   */
  get entry(): PageEntry | undefined {
    return this.row(this.page)?.[this.locals.entryIndex ?? 0]
  }

  references(): Key<'r'>[] {
    return this.world.keys(`r/${this.id}/`)
  }

  allExpired(): boolean {
    return this.references().every((key) => this.world.isExpired(key))
  }

  nextCandidate(): Next {
    const { locals } = this
    locals.queue = (locals.queue ?? []).slice(1)
    this.forgetAll()
    locals.stream = locals.page = locals.dead = locals.pageSet = null
    return locals.queue.length > 0 ? 'readCandidate' : 'done'
  }

  /** Removing rows, announced once in each pass: after its candidates were listed, and before the first row goes. */
  removal(): Next {
    const { world, locals, planted } = this
    return world.row('v/') && !locals.announced && !planted.unannounced ? 'announce' : 'removeRows'
  }

  nextEntry(): Next {
    this.locals.entryIndex = (this.locals.entryIndex ?? 0) + 1
    for (const key of Object.keys(this.versions)) if (key.startsWith('b')) this.forget(key as Key)
    return this.entry ? 'dropHolder' : 'movePage'
  }

  entryIsDead([objectName]: PageEntry): Next {
    this.locals.dead = [...(this.locals.dead ?? []), objectName]
    return this.nextEntry()
  }

  holdersOf([objectName]: PageEntry): Key<'br'>[] {
    return this.world.keys(`br/${objectName}/`)
  }

  ownHolderKey([objectName]: PageEntry): Key<'br'> {
    return `br/${objectName}/${this.locals.pageSet}`
  }
}

export const COLLECTOR_STEPS: Steps<Collector, Step> = {
  // Collect, step (0): the candidates are the streams of the c rows.

  start(collector) {
    const { world, planted, locals } = collector
    collector.forgetAll()
    if (planted.announcedEarly && !locals.announced) {
      locals.announced = 1
      if (world.row('v/')) collector.commit([], { 'v/': 1 })
      return 'start'
    }
    locals.queue = world.keys('c/').map((key) => key.slice(2))
    return locals.queue.length > 0 ? 'readCandidate' : 'done'
  },

  readCandidate(collector) {
    const { locals } = collector
    const stream = collector.see(collector.streamKey)
    collector.see(collector.candidateKey)
    locals.stream = stream
    // The pages are those that THIS s names, even if it is gone by the time they are moved.
    locals.pageSet = collector.planted.collectOwnPages ? collector.id : pageSetOf(stream, collector.id)
    const others = stream !== null && stream.status !== 'stored' && stream.status !== 'storing'
    if (others && collector.planted.skipsOthers) return collector.nextCandidate()
    if (!stream) return 'dropStaleCandidate'
    if (stream.status === 'storing') return 'condemn'
    if (stream.status === 'stored') return 'listReferences'
    return stream.status === 'condemned' ? 'listAgain' : 'nextPage'
  },

  dropStaleCandidate(collector) {
    const { streamKey, candidateKey } = collector
    const checks = collector.planted.staleUnchecked ? [] : collector.seen(streamKey, candidateKey)
    collector.commit(checks, { [candidateKey]: null })
    return collector.nextCandidate()
  },

  listReferences(collector) {
    const { world, planted } = collector
    const all = collector.references()
    const expired = all.find((key) => world.isExpired(key))
    if (collector.allExpired()) return 'condemn'
    if (expired !== undefined && !planted.noPrune) {
      collector.locals.expired = expired
      collector.see(expired)
      return 'pruneReference'
    }
    // c is deleted only if there is a permanent reference and no reference expires.
    const permanent = all.some((key) => world.row(key)?.expiry === PERMANENT)
    const clear = permanent && !all.some((key) => world.row(key)?.expiry)
    return clear || planted.clearAny ? 'clearCandidate' : collector.nextCandidate()
  },

  /** Deletes an expired reference row of a living stream. */
  pruneReference(collector) {
    const key = collector.locals.expired as Key<'r'>
    collector.commit(collector.planted.pruneUnchecked ? [] : collector.seen(key), { [key]: null })
    collector.forget(key)
    collector.locals.expired = null
    return 'listReferences'
  },

  /** Checks c as it was read before the references were listed, and s. */
  clearCandidate(collector) {
    const { planted, candidateKey, streamKey } = collector
    const checks = [
      ...(planted.clearUnchecked ? [] : collector.seen(candidateKey)),
      ...(planted.clearNoS ? [] : collector.seen(streamKey)),
    ]
    collector.commit(checks, { [candidateKey]: null })
    return collector.nextCandidate()
  },

  /** Collect, step (1): check-and-set s to condemned, remembering the status, and write c. */
  condemn(collector) {
    const { planted, locals, streamKey, candidateKey } = collector
    if (planted.onePhase) return 'delete'
    const checks = collector.seen(streamKey)
    const { status } = collector.stream
    locals.stream = { ...collector.stream, status: 'condemned', was: status as 'storing' | 'stored' }
    const applied = collector.commit(checks, {
      [streamKey]: locals.stream,
      ...(planted.condemnNoC ? {} : { [candidateKey]: 1 }),
    })
    if (!applied) return collector.nextCandidate()
    collector.see(streamKey)
    return 'listAgain'
  },

  /** Collect, step (2): list the references again. A live one saves the stream. */
  listAgain(collector) {
    return collector.stream.was !== 'storing' && !collector.allExpired() ? 'pardon' : 'delete'
  },

  pardon(collector) {
    const { streamKey } = collector
    const stream: StreamRow = { ...collector.stream, status: 'stored', was: undefined }
    collector.commit(collector.seen(streamKey), { [streamKey]: stream })
    return collector.nextCandidate()
  },

  /**
   * Collect, step (3): check-and-set s to deleting. Also delete h if it points here, and the up row of an unfinished
   * upload.
   */
  delete(collector) {
    const { world, planted, locals, id, stream, streamKey } = collector
    const digestKey = `h/${stream.text}` as const
    const ours = world.row(digestKey) === id
    const unfinished = world.row(`up/${id}`) && stream.was === 'storing' && !planted.upKept
    const mutations: Mutations = { [streamKey]: { ...stream, status: 'deleting' } }
    if (ours && !planted.keepH) mutations[digestKey] = null
    if (unfinished) mutations[`up/${id}`] = null
    const checks = collector.seen(streamKey)
    if (ours) checks.push([digestKey, world.version(digestKey)])
    if (!collector.commit(checks, mutations)) return collector.nextCandidate()
    locals.stream = null
    collector.see(streamKey)
    return 'nextPage'
  },

  // Collect, step (4): move the pages to trash, then delete the rows.

  nextPage(collector) {
    const { world, planted, locals, id, streamKey } = collector
    if (planted.ownPages) locals.pageSet = pageSetOf(collector.row(streamKey), id)
    locals.stream = null
    const version = collector.versions[streamKey]
    locals.versions = version === undefined ? {} : { [streamKey]: version }
    const page = world.keys(`m/${locals.pageSet}/`)[0]
    locals.page = page
    if (page === undefined) return collector.removal()
    collector.see(page)
    locals.entryIndex = 0
    locals.dead = []
    return world.scenario.sharesBlocks ? 'dropHolder' : 'movePage'
  },

  // Block de-duplication: drop our holder row, THEN read b, THEN list the object's holders. If there are none, the
  // object is dead once b does not name it.

  dropHolder(collector) {
    const { entry, planted } = collector
    if (!entry) return COLLECTOR_STEPS.nextPage(collector)
    if (planted.listBeforeDrop) return 'readBlock'
    collector.commit([], { [collector.ownHolderKey(entry)]: null })
    return planted.bAfterList ? 'listHolders' : 'readBlock'
  },

  readBlock(collector) {
    const { entry, planted, locals } = collector
    if (!entry) return COLLECTOR_STEPS.nextPage(collector)
    locals.named = collector.see(`b/${entry[1]}`)?.objectName === entry[0] ? 1 : 0
    if (planted.bAfterList) return locals.named ? 'withdrawBlock' : collector.entryIsDead(entry)
    return planted.deadIfReplaced && !locals.named ? collector.entryIsDead(entry) : 'listHolders'
  },

  listHolders(collector) {
    const { entry, planted, locals } = collector
    if (!entry) return COLLECTOR_STEPS.nextPage(collector)
    const own = collector.ownHolderKey(entry)
    const holders = collector.holdersOf(entry).filter((key) => !planted.listBeforeDrop || key !== own)
    if (holders.length > 0) return planted.listBeforeDrop ? 'dropHolderLate' : collector.nextEntry()
    if (planted.bAfterList) return 'readBlock'
    return locals.named ? 'withdrawBlock' : collector.entryIsDead(entry)
  },

  /** Planted. */
  dropHolderLate(collector) {
    const { entry } = collector
    if (!entry) return COLLECTOR_STEPS.nextPage(collector)
    collector.commit([], { [collector.ownHolderKey(entry)]: null })
    return collector.nextEntry()
  },

  withdrawBlock(collector) {
    const { entry } = collector
    if (!entry) return COLLECTOR_STEPS.nextPage(collector)
    const key = `b/${entry[1]}` as const
    const applied = collector.commit(collector.seen(key), { [key]: null, [collector.ownHolderKey(entry)]: null })
    return applied ? collector.entryIsDead(entry) : 'readBlock'
  },

  /** Moves one page per commit. */
  movePage(collector) {
    const { world, planted, page, locals } = collector
    const entries = collector.row(page)
    if (!entries) return 'nextPage'
    const listed = world.scenario.sharesBlocks && !planted.trashAll
    const dead = listed ? (locals.dead ?? []) : entries.map(([objectName]) => objectName)
    collector.commit(collector.seen(page), {
      [page]: null,
      [`t${page.slice(1)}`]: { page: entries, dead },
    })
    return planted.rowFirst ? collector.removal() : 'nextPage'
  },

  /** Rewrites v: whoever checks that a stream is absent, and v with it, can tell "never stored" from "removed". */
  announce(collector) {
    collector.commit([], { 'v/': 1 })
    collector.locals.announced = 1
    return 'removeRows'
  },

  /** Deletes s, c and the rows of expired references. Deleting s fences their renewal. A tail goes to trash. */
  removeRows(collector) {
    const { planted, id, streamKey, candidateKey } = collector
    const tail = collector.row(streamKey)?.tail
    const mutations: Mutations = { [streamKey]: null, [candidateKey]: null }
    if (!planted.expiredKept) for (const key of collector.references()) mutations[key] = null
    if (tail && !planted.tailForgotten) mutations[`t/${id}/tail`] = { page: [], dead: [tail] }
    collector.commit(collector.seen(streamKey), mutations)
    return collector.nextCandidate()
  },
}
