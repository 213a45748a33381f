import { ActorView } from '../actor-view.ts'
import type { AliasRow, Key, Mutations, PageEntry, StreamRow } from '../rows.ts'
import type { Locals } from '../state.ts'

/** Stores a stream, or serves a request to an upload that can be resumed. */
export interface WriterParams {
  readonly id: string
  readonly text: string
  /** The reference that it sets, or the alias that it moves. Without either, nothing refers to the stream at first. */
  readonly ref?: string
  readonly alias?: string
  /** The reference that it sets expires. */
  readonly refExpires?: 1
  /** The etag that the alias must have. Null: there must be no entry. */
  readonly ifMatch?: string | null
  /** Blocks in a group. @default 1 */
  readonly group?: number
  /** The last group is appended in the last commit. */
  readonly join?: 1
  /** Keeps its bytes in its row, and stores them in one commit. The text is empty: such a stream has no blocks. */
  readonly atOnce?: 1
  /** Stores at once, and gives up after an answer that was lost. */
  readonly givesUp?: 1
  /** Gives up at this offset. */
  readonly abortAt?: number
  /** At this offset, sends bytes that fill no block. */
  readonly tailAt?: number
  /** Ends after the tail, like a client that will resume. */
  readonly suspend?: 1
  /** Resumes a stream that another process has started to store. */
  readonly take?: 1
  /** Is a request to the upload of `id`: PATCH. */
  readonly upload?: 1
  /** The request that creates the upload. */
  readonly create?: 1
  /** First asks for the offset (HEAD), then sends from there. */
  readonly head?: 1
  /** Waits until the upload exists. */
  readonly waits?: 1
  /** The entry that it writes expires. */
  readonly expires?: 1
}

export interface WriterLocals extends Locals {
  offset?: number
  /** A new id, after a creation of unknown outcome. */
  id?: string
  /** The stream existed. */
  made?: 1
  /** The stream that is taken over, or the target of a hit. */
  stream?: StreamRow | null
  /** What was stored already, followed by what this client sends. */
  text?: string
  /** HEAD was answered. */
  headed?: 1
  epoch?: number | string | undefined
  /** Objects of the current group. */
  group?: string[] | null
  /** Index in that group. */
  place?: number
  /** Objects named so far. */
  count?: number
  /** Set as soon as it gives up: the end that it reaches once its own row is settled. */
  verdict?: 'ack' | 'aborted' | 'refused' | 'lost'
  /** The last commit had an unknown outcome. */
  unknown?: 0 | 1
  /** The stream that a last commit of unknown outcome was for. */
  tried?: string
  /** It took over its own stream after a lost commit. */
  tookOver?: 1
  /** The id that `h` has for this content. */
  hit?: string | null
  /** The target of the hit is damaged. */
  sick?: 0 | 1
  /** A bad block that we hold. */
  badBlock?: PageEntry | null | undefined
  /** The stream of the entry that the alias had. */
  formerId?: string | null
  /** A commit that stores at once was sent, and its answer lost. */
  unanswered?: 0 | 1
  /** One that came later was refused. */
  refused?: 0 | 1
  /** After a lost answer: v has changed; what the own row tells. */
  passed?: 0 | 1
  found?: 'nothing' | 'givenUp' | 'stored' | null
  /** Planted: the candidate row was deleted before the last commit. */
  dropped?: 1
  rows?: Key[] | null
  doomed?: string[]
}

export type WriterStep =
  // writer-opening.ts
  | 'start'
  | 'readUpload'
  | 'create'
  | 'readForTakeOver'
  | 'takeOver'
  | 'patchAfterHead'
  | 'readOwnRow'
  // writer-blocks.ts
  | 'readBlock'
  | 'holdBlock'
  | 'commitIntents'
  | 'putObject'
  | 'append'
  | 'commitTailIntent'
  | 'putTail'
  | 'setTail'
  // writer-ending.ts
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
  // writer-at-once.ts
  | 'readVersionRow'
  | 'readDigestFirst'
  | 'readTargetFirst'
  | 'readAliasFirst'
  | 'storeAtOnce'
  | 'lookForOwnRow'
  | 'lookAtVersionRow'
  | 'ruleOut'
  // writer-removal.ts
  | 'condemnOwn'
  | 'listOwn'
  | 'deleteObject'
  | 'deleteRows'

export class Writer extends ActorView<WriterParams, WriterLocals> {
  get id(): string {
    return this.locals.id ?? this.params.id
  }

  get streamKey(): Key<'s'> {
    return `s/${this.id}`
  }

  get candidateKey(): Key<'c'> {
    return `c/${this.id}`
  }

  get uploadKey(): Key<'up'> {
    return `up/${this.id}`
  }

  get aliasKey(): Key<'a'> {
    return `a/${this.params.alias}`
  }

  /** Reads its own stream without remembering the version. */
  get stream(): StreamRow | null {
    return this.row(this.streamKey)
  }

  /** The epoch by which its stream is known to be its own. */
  get epoch(): number | string {
    return this.actor.name
  }

  get text(): string {
    return this.locals.text ?? this.params.text
  }

  get digestKey(): Key<'h'> {
    return `h/${this.text}`
  }

  get offset(): number {
    return this.locals.offset ?? 0
  }

  /** The digest of the block at the current offset. */
  get digest(): string {
    return this.text[this.offset] ?? ''
  }

  get reference(): string {
    const { alias, ref } = this.params
    return alias ? `alias:${alias}` : (this.locals.reference ?? ref ?? '')
  }

  get sharesBlocks(): boolean {
    return this.world.scenario.sharesBlocks === 1
  }

  referenceTo(id: string): Key<'r'> {
    return `r/${id}/${this.reference}`
  }

  pageAt(offset: number): Key<'m'> {
    return `m/${this.id}/${Math.floor(offset / this.world.pageSize)}`
  }

  matches(entry: AliasRow | null): boolean {
    const { ifMatch } = this.params
    if (ifMatch === undefined) return true
    return (entry && !this.world.isExpired(this.aliasKey) ? entry.etag : null) === ifMatch
  }

  /** Returns new object names. Each is used for one attempt to put, and never again. */
  newNames(count: number): string[] {
    const { locals, actor } = this
    return Array.from({ length: count }, () => `o${actor.name}.${(locals.count = (locals.count ?? 0) + 1)}`)
  }

  /** Returns the mutations that write the current group into its pages and delete its intents. */
  groupRows(): Mutations {
    const pages: Record<Key<'m'>, readonly PageEntry[]> = {}
    const intents: Mutations = {}
    for (const [index, objectName] of (this.locals.group ?? []).entries()) {
      const page = this.pageAt(this.offset + index)
      const entries = pages[page] ?? this.row(page) ?? []
      pages[page] = [...entries, [objectName, this.text[this.offset + index] ?? '']]
      intents[`i/${objectName}`] = null
    }
    return { ...pages, ...intents }
  }

  /** Records that the client of an upload learns the offset of an acknowledged s. A tail counts as half a block. */
  tellOffset(stream: StreamRow | null = this.stream): void {
    if (!this.params.upload || !stream) return
    const offset = stream.offset + (stream.tail ? 0.5 : 0)
    if (offset > (this.row(`toldOffset/${this.id}`) ?? 0)) this.world.ghost(`toldOffset/${this.id}`, offset)
  }

  /** Returns the step that follows at the current offset. */
  nextBlock(): WriterStep {
    const { locals, params } = this
    if (locals.verdict) return 'condemnOwn'
    if (this.offset === params.abortAt) {
      locals.verdict = 'aborted'
      return 'condemnOwn'
    }
    if (this.offset >= this.text.length) return 'readDigest'
    return params.tailAt === this.offset ? 'commitTailIntent' : this.firstStepOfBlock()
  }

  firstStepOfBlock(): WriterStep {
    return this.sharesBlocks ? 'readBlock' : 'commitIntents'
  }

  /**
   * Whether damage is visible: a lost object shows in its length, wrong bytes only by the mark (of `stream`, or of
   * any).
   */
  seesDamage(stream?: StreamRow): boolean {
    const { world } = this
    if (world.keys('struck/').some((key) => world.row(key) === 'lost')) return true
    if (stream) return stream.damaged === 1
    return world.keys('s/').some((key) => world.row(key)?.damaged)
  }
}
