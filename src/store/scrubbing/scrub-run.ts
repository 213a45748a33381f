import type { ObjectInfo } from '../backend.ts'
import { MaintenanceRun } from '../maintenance-run.ts'
import type { StoreContext } from '../store-context.ts'
import type { DamagedStream, ScrubReport } from './scrub-report.ts'

/** How a {@linkcode ScrubRun} runs. */
export interface ScrubRunOptions {
  readonly dryRun: boolean
  readonly repair: boolean
  readonly force: boolean
  readonly graceMs: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((report: ScrubReport) => void) | undefined
}

const MAX_STREAMS = 1_000
const MAX_NAMES = 10_000
/** Bytes of all references that a report lists. */
const MAX_REFERENCE_BYTES = 8_388_608

/** One run of a scrub, and what it has found. */
export class ScrubRun extends MaintenanceRun {
  /** Whether the run repairs what it can, or reports what it would repair. */
  readonly repair: boolean
  /** Whether the run moves objects to the trash however many there are. */
  readonly force: boolean
  /** How long objects stay in the trash, in milliseconds. */
  readonly graceMs: number
  readonly #onProgress: ((report: ScrubReport) => void) | undefined
  readonly #objects = { count: 0, bytes: 0 }
  readonly #checked = { streams: 0, blocks: 0, bytes: 0 }
  readonly #damaged = { streams: 0, blocks: 0, marked: 0 }
  readonly #orphans = { count: 0, bytes: 0, uncertain: false }
  readonly #moved = { count: 0, bytes: 0, until: -Infinity }
  readonly #list: DamagedStream[] = []
  readonly #names: string[] = []
  #referenceBytes = 0
  #laterRows = false

  constructor(context: StoreContext, { dryRun, repair, force, graceMs, signal, onProgress }: ScrubRunOptions) {
    super(context, dryRun, signal)
    this.repair = repair
    this.force = force
    this.graceMs = graceMs
    this.#onProgress = onProgress
  }

  /** The report so far. */
  get report(): ScrubReport {
    const { count, bytes, until } = this.#moved
    return {
      objects: { ...this.#objects },
      checked: { ...this.#checked },
      damaged: { ...this.#damaged, list: this.#list },
      orphans: { ...this.#orphans, names: this.#names },
      // oxlint-disable-next-line eslint/no-restricted-globals -- a time that is given, not read from a clock
      moved: { count, bytes, until: count > 0 ? new Date(until) : undefined },
      problems: this.problems,
    }
  }

  /** Counts objects of the store, and those among them that no row names. */
  foundObjects(count: number, bytes: number, orphans: readonly ObjectInfo[]): void {
    this.#objects.count += count
    this.#objects.bytes += bytes
    this.#orphans.count += orphans.length
    this.#orphans.bytes += bytesOf(orphans)
    for (const { name } of orphans.slice(0, MAX_NAMES - this.#names.length)) this.#names.push(name)
    this.#tell()
  }

  /** Notes a row that may name some of the orphans but cannot be read, because it is damaged or of a later version. */
  missNames(error: Error, isOfLaterVersion: boolean): void {
    this.note(error)
    this.#orphans.uncertain = true
    this.#laterRows ||= isOfLaterVersion
  }

  /** Whether orphans may be moved although some rows could not be read. */
  get maySweep(): boolean {
    return !this.#laterRows && (this.force || !this.#orphans.uncertain)
  }

  /** Counts orphans that were moved to the trash. */
  movedOrphans(orphans: readonly ObjectInfo[]): void {
    this.#move(orphans.length, bytesOf(orphans))
  }

  /** Counts all orphans as moved, for a dry run. */
  wouldMoveOrphans(): void {
    this.#move(this.#orphans.count, this.#orphans.bytes)
  }

  #move(count: number, bytes: number): void {
    this.#moved.count += count
    this.#moved.bytes += bytes
    this.#moved.until = this.context.host.now() + this.graceMs
    this.#tell()
  }

  /** Counts a block that was read. */
  checkedBlock(storedLength: number): void {
    this.#checked.blocks++
    this.#checked.bytes += storedLength
    this.#tell()
  }

  /** Counts a stream that was checked. */
  checkedStream(damage?: DamagedStream): void {
    this.#checked.streams++
    if (damage) {
      this.#damaged.streams++
      this.#damaged.blocks += damage.damagedBlocks
      if (damage.marked) this.#damaged.marked++
      if (this.#list.length < MAX_STREAMS) this.#list.push(damage)
    }
    this.#tell()
  }

  /** Whether the report has room for a reference of this length. */
  takeReference(byteLength: number): boolean {
    if (this.#list.length >= MAX_STREAMS || this.#referenceBytes + byteLength > MAX_REFERENCE_BYTES) return false
    this.#referenceBytes += byteLength
    return true
  }

  #tell(): void {
    this.#onProgress?.(this.report)
  }
}

function bytesOf(objects: readonly ObjectInfo[]): number {
  return objects.reduce((sum, { size }) => sum + size, 0)
}
