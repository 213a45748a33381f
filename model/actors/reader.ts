import { ActorView } from '../actor-view.ts'
import type { Steps } from '../actor-view.ts'
import { EXPIRING } from '../rows.ts'
import type { Key, Mutations, PageEntry, StreamRow } from '../rows.ts'
import type { Check, Locals } from '../state.ts'
import { pageSetOf } from '../world.ts'

export interface ReaderParams {
  /** What it reads: an entry, or a stream. */
  readonly alias?: string
  readonly id?: string
  /** Pins the stream by a reference alone, or with a `p` row too. */
  readonly pin?: 'reference' | 'row'
  /** Renews the pin after a block. */
  readonly renew?: 1
  /** Reads the entry before each block (consistency `conflict`). */
  readonly follow?: 1
}

interface ReaderLocals extends Locals {
  tries?: number
  id?: string | null
  stream?: StreamRow | null
  pinned?: 1 | undefined
  renewed?: 1
  /** The bytes of the stream that it opened, and those that it has read. */
  wanted?: string
  got?: string
  pageSet?: string
  /** The rest of the current page. */
  page?: readonly PageEntry[] | null | undefined
  /** The block that is missing or wrong. */
  culprit?: PageEntry | undefined
  /** `b` names the culprit. */
  named?: 0 | 1
}

type Step =
  | 'start'
  | 'readToPin'
  | 'pin'
  | 'pinReference'
  | 'open'
  | 'lookAtAlias'
  | 'renew'
  | 'readPage'
  | 'readTrash'
  | 'readBlock'
  | 'finish'
  | 'unpin'
  | 'readStreamAgain'
  | 'followAlias'
  | 'followDigest'
  | 'readCulprit'
  | 'markDamage'

/** An expired pin is not renewed but replaced, so each try takes a new name. */
const TRIES = 3

export class Reader extends ActorView<ReaderParams, ReaderLocals> {
  get pinName(): string {
    const { tries } = this.locals
    return `pin${this.actor.name}${tries ? `.${tries}` : ''}`
  }

  get pinKey(): Key<'p'> {
    return `p/${this.pinName}`
  }

  get pinReference(): Key<'r'> {
    return `r/${this.locals.id}/${this.pinName}`
  }

  get aliasKey(): Key<'a'> {
    return `a/${this.params.alias}`
  }

  get streamKey(): Key<'s'> {
    return `s/${this.locals.id}`
  }

  get wanted(): string {
    return this.locals.wanted ?? ''
  }

  get got(): string {
    return this.locals.got ?? ''
  }

  get isComplete(): boolean {
    return this.got.length >= this.wanted.length
  }

  get hasPinRow(): boolean {
    return this.params.pin === 'row'
  }

  get pageNumber(): number {
    return Math.floor(this.got.length / this.world.pageSize)
  }

  pageSetOf(stream: StreamRow): string {
    const id = this.locals.id ?? ''
    return this.planted.readOwnPages ? id : pageSetOf(stream, id)
  }

  restOf(page: readonly PageEntry[] | null | undefined): readonly PageEntry[] | undefined {
    return page?.slice(this.got.length % this.world.pageSize)
  }

  /**
   * The stream is gone. Before the first byte, the alias may name another one by now. After it, the reader looks for
   * the same bytes.
   */
  again(): Step | 'notFound' {
    const { params, locals } = this
    if (locals.wanted) return 'readStreamAgain'
    if (!params.alias) return 'notFound'
    locals.tries = (locals.tries ?? 0) + 1
    return locals.tries < TRIES ? 'start' : 'notFound'
  }
}

export const READER_STEPS: Steps<Reader, Step> = {
  start(reader) {
    const { params, locals } = reader
    reader.forgetAll()
    const entry = reader.row(reader.aliasKey)
    locals.id = params.id ?? (entry && !reader.world.isExpired(reader.aliasKey) ? entry.id : null)
    if (!locals.id) return 'notFound'
    return params.pin ? 'readToPin' : 'open'
  },

  readToPin(reader) {
    const { locals } = reader
    locals.stream = reader.see(reader.streamKey)
    if (reader.world.isUsable(locals.stream)) return 'pin'
    if (!locals.wanted) return reader.again()
    locals.stream = null
    return 'readPage'
  },

  /** Pin: commit {check s; p; r with its expiry; c; a condemned stream is stored again}. A renewal also checks p. */
  pin(reader) {
    const { planted, locals, streamKey, pinKey, hasPinRow } = reader
    const stream = locals.stream as StreamRow
    const renewing = Boolean(locals.wanted)
    const inTwo = planted.pinTwice === true && !renewing
    const reference: Mutations = { [reader.pinReference]: { expiry: EXPIRING }, [`c/${locals.id}`]: 1 }
    if (stream.status === 'condemned' && !planted.pinNoFlip) {
      reference[streamKey] = { ...stream, status: 'stored', was: undefined }
    }
    const checks: Check[] = []
    if (!(planted.renewUnchecked && renewing)) {
      checks.push(...reader.seen(streamKey))
      if (renewing && hasPinRow) checks.push(...reader.seen(pinKey))
    }
    const pinRow = () => ({
      ...reader.timed(pinKey, { id: locals.id ?? '', expiry: EXPIRING }),
      [`foundOver/${reader.pinName}`]: null,
    })
    const mutations = hasPinRow ? { ...(inTwo ? {} : reference), ...pinRow() } : reference
    const applied = reader.commit(checks, mutations)
    locals.stream = null
    reader.forgetAll()
    if (!applied) return renewing ? 'renew' : 'readToPin'
    locals.pinned = hasPinRow ? 1 : undefined
    if (inTwo) return 'pinReference'
    return renewing ? 'readPage' : 'open'
  },

  /** Planted. */
  pinReference(reader) {
    reader.commit([], { [reader.pinReference]: { expiry: EXPIRING }, [`c/${reader.locals.id}`]: 1 })
    return 'open'
  },

  /** Read: s first. The number of pages comes from it, never from a missing page. */
  open(reader) {
    const { params, locals } = reader
    const stream = reader.row(reader.streamKey)
    if (!reader.world.isUsable(stream)) return reader.again()
    if (!locals.wanted) {
      locals.wanted = stream.text ?? ''
      locals.got = ''
    }
    locals.pageSet = reader.pageSetOf(stream)
    if (!stream.text) return 'finish'
    if (reader.planted.trashFirst) return 'readTrash'
    return params.follow ? 'lookAtAlias' : 'readPage'
  },

  lookAtAlias(reader) {
    const { locals } = reader
    const entry = reader.row(reader.aliasKey)
    if (!entry || reader.world.isExpired(reader.aliasKey)) return 'notFound'
    if (entry.etag !== locals.wanted) return 'conflict'
    if (reader.planted.abaById && entry.id !== locals.id) {
      reader.broken('a conflict between equal etags')
      return 'conflict'
    }
    if (reader.isComplete) return 'finish'
    return locals.page?.length ? 'readBlock' : 'readPage'
  },

  renew(reader) {
    reader.locals.renewed = 1
    return reader.see(reader.pinKey) ? 'readToPin' : 'readPage'
  },

  /** Then its page set in m. */
  readPage(reader) {
    const { locals, planted } = reader
    locals.page = reader.restOf(reader.row(`m/${locals.pageSet}/${reader.pageNumber}`))
    if (locals.page) return 'readBlock'
    return planted.trashFirst || planted.noTrashRead ? 'readStreamAgain' : 'readTrash'
  },

  /** Then its page set in t. */
  readTrash(reader) {
    const { locals, planted } = reader
    locals.page = reader.restOf(reader.row(`t/${locals.pageSet}/${reader.pageNumber}`)?.page)
    if (locals.page) return 'readBlock'
    if (planted.trashFirst) return 'readPage'
    return planted.shortRead ? 'finish' : 'readStreamAgain'
  },

  readBlock(reader) {
    const { params, locals } = reader
    const [entry, ...rest] = locals.page as readonly PageEntry[]
    if (!entry || !reader.world.fits(entry)) return 'readStreamAgain'
    locals.got = reader.got + entry[1]
    locals.page = rest
    if (params.follow) return 'lookAtAlias'
    if (reader.isComplete) return 'finish'
    if (params.renew && !locals.renewed) {
      locals.page = null
      return 'renew'
    }
    if (rest.length > 0) return 'readBlock'
    return reader.planted.trashFirst ? 'readTrash' : 'readPage'
  },

  finish(reader) {
    const { got, wanted } = reader
    if (got !== wanted) reader.broken(`reader got ${got} for ${wanted}`)
    return reader.params.pin ? 'unpin' : 'done'
  },

  unpin(reader) {
    const applied = reader.commit([], {
      [reader.pinReference]: null,
      [`c/${reader.locals.id}`]: 1,
      ...(reader.hasPinRow ? reader.timed(reader.pinKey, null) : {}),
    })
    return applied === null ? 'unpin' : 'done'
  },

  /**
   * A page or block is missing or wrong: read s again. (1) Another page set: it was healed, continue there. (2) The
   * same: this is damage. (3) The stream is gone: continue in another stream with these bytes.
   */
  readStreamAgain(reader) {
    const { world, planted, locals } = reader
    const stream = reader.see(reader.streamKey)
    locals.culprit = locals.page?.[0] ?? locals.culprit
    const { page } = locals
    locals.page = null
    if (world.isUsable(stream)) {
      if (planted.missingIsNotFound) {
        reader.broken('reader of a living stream was told that it does not exist')
        return 'notFound'
      }
      const healed = reader.pageSetOf(stream) !== locals.pageSet
      if (healed && !planted.noReopen && !planted.markStale) {
        locals.pageSet = reader.pageSetOf(stream)
        locals.culprit = undefined
        if (!planted.pageKept || !page) return 'readPage'
        locals.page = page
        return 'readBlock'
      }
      const struck = locals.culprit && reader.row(`struck/${locals.culprit[0]}`)
      if (planted.noReopen || (!healed && !struck)) {
        reader.broken('reader of a living stream got an error, and nothing was damaged')
      }
      locals.stream = stream
      if (stream.damaged) return 'damaged'
      return world.scenario.sharesBlocks ? 'readCulprit' : 'markDamage'
    }
    if (world.keys(`r/${locals.id}/`).some((key) => world.isLive(key))) {
      reader.broken('reader of a referenced stream got an error')
    }
    if (locals.pinned && !reader.row(`foundOver/${reader.pinName}`)) reader.broken('reader with a pin got an error')
    if (world.scenario.inGrace) reader.broken('reader got an error within the grace')
    return reader.params.follow ? 'followAlias' : 'followDigest'
  },

  /** The reader of an alias continues with the stream that has the same bytes now. */
  followAlias(reader) {
    const { locals } = reader
    const entry = reader.row(reader.aliasKey)
    reader.forgetAll()
    if (!entry || reader.world.isExpired(reader.aliasKey)) return 'notFound'
    if (entry.etag !== locals.wanted) return 'conflict'
    if (reader.planted.abaError) return 'error'
    if (entry.id === locals.id) reader.broken('an alias names a stream that is gone')
    locals.id = entry.id
    return 'open'
  },

  /** The reader of a snapshot finds the same bytes by their digest. */
  followDigest(reader) {
    const { locals } = reader
    const id = reader.row(`h/${reader.wanted}`)
    reader.forgetAll()
    if (!id || id === locals.id) return 'error'
    locals.id = id
    return 'open'
  },

  readCulprit(reader) {
    const [objectName, digest] = reader.locals.culprit as PageEntry
    const named = reader.see(`b/${digest}`)?.objectName === objectName
    reader.locals.named = named && !reader.planted.markKeepsB ? 1 : 0
    return 'markDamage'
  },

  /** Damage mark: commit {check s; set the mark; if b still names the object, check b and delete b}. */
  markDamage(reader) {
    const { locals, streamKey } = reader
    const blockKey = `b/${locals.culprit?.[1]}` as const
    const checks = [...reader.seen(streamKey), ...(locals.named ? reader.seen(blockKey) : [])]
    const applied = reader.commit(reader.planted.damageUnchecked ? [] : checks, {
      [streamKey]: { ...(locals.stream as StreamRow), damaged: 1 },
      ...(locals.named ? { [blockKey]: null } : {}),
    })
    locals.stream = null
    reader.forgetAll()
    return applied ? 'damaged' : 'readStreamAgain'
  },
}
