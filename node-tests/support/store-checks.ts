import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { parseStream, type StreamRecord } from '../../src/store/rows/row-values.ts'
import { type Backend, type StoreHost, StreamStore } from '../../src/store.ts'
import { collectHastily } from './hasty-collector.ts'
import { inspectStore, type StoreContents } from './inspect-store.ts'
import { idOf, type Scenario, type Told } from './store-scenarios.ts'
import { put, text } from './store-tools.ts'

const KEYS = new RowKeys('')

/** Only a scrub can find what is left by a put that arrived after its intent was reaped. */
function isNotOrphan(problem: string): boolean {
  return !problem.startsWith('no row names object')
}

/** Throws if something that must hold does not. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

function mustBeEmpty(problems: readonly string[], what: string): void {
  must(problems.length === 0, `${what}: ${problems.join('; ')}`)
}

/** Follows the stream that was damaged when a run began. */
class Damaged {
  readonly #memory: Backend
  readonly #id: string
  /** Number of references that the stream had when it was last looked at. */
  references = 1

  constructor(memory: Backend, id: string) {
    this.#memory = memory
    this.#id = id
  }

  /** The same stream in another backend, which is a copy from before the run. */
  in(memory: Backend): Damaged {
    return new Damaged(memory, this.#id)
  }

  /** Its row, unless it was healed or collected. */
  async row(): Promise<StreamRecord | undefined> {
    const row = await this.#memory.metadata.get(KEYS.stream(fromHex(this.#id)!))
    const record = row && parseStream(row.value)
    return record?.pageSet ? undefined : record
  }

  /** The problems that are not just its damage, and whether a writer relies on it although it is marked. */
  async problems({ problems, references }: StoreContents): Promise<string[]> {
    const row = await this.row()
    const others = problems.filter((problem) => !row || !problem.startsWith(`stream ${this.#id} (`))
    const count = references.filter((each) => each.startsWith(this.#id)).length
    if (row?.damaged && count > this.references) others.push('a writer relies on a stream that is marked as damaged')
    this.references = count
    return others
  }
}

/** Checks the store of a scenario while its actors run, and after they have ended or died. Each check throws. */
export class StoreChecks {
  readonly #scenario: Scenario
  readonly #memory: Backend
  readonly #damaged: Damaged | undefined

  private constructor(scenario: Scenario, memory: Backend, damaged: Damaged | undefined) {
    this.#scenario = scenario
    this.#memory = memory
    this.#damaged = damaged
  }

  /** Must be called before the actors do anything. */
  static async of(scenario: Scenario, memory: Backend): Promise<StoreChecks> {
    const id = scenario.damage && [...(await inspectStore(memory)).stored.keys()][0]!
    return new StoreChecks(scenario, memory, id === undefined ? undefined : new Damaged(memory, id))
  }

  /** Checks for a copy of the store from before the run. */
  in(memory: Backend): StoreChecks {
    return new StoreChecks(this.#scenario, memory, this.#damaged?.in(memory))
  }

  /** What the next {@linkcode look} depends on besides the contents of the store. It depends on what was looked at last. */
  get before(): number {
    return this.#damaged?.references ?? 0
  }

  set before(before: number) {
    if (this.#damaged) this.#damaged.references = before
  }

  /** Checks what must hold in every state, because any actor may die in it. */
  async look(where: string): Promise<void> {
    mustBeEmpty(await this.#problemsOf(await inspectStore(this.#memory)), `${this.#scenario.name}, ${where}`)
  }

  /** Checks the end, and what a recovery makes of it, which it carries out. `host` is that of whoever recovers. */
  async end(told: Told, host: StoreHost, where: string): Promise<void> {
    const [scenario, memory] = [this.#scenario, this.#memory]
    const name = `${scenario.name}, ${where}`
    await this.#check(told, `${name}, at the end`)
    await collectHastily(memory, host)
    await collectHastily(memory, host)
    await this.#check(told, `${name}, after recovery`)
    if (scenario.damage) {
      const store = new StreamStore(memory, { blockSize: scenario.blockSize ?? 1, host })
      const id = await idOf(store, scenario.has!)
      if (id) await Promise.allSettled([store.open(id).then((stored) => collect(stored.stream()))])
      await put(store, text(scenario.has!), { reference: text('final') })
      told.set.set('final', scenario.has!)
      for (let i = 0; i < 2; i++) await collectHastily(memory, host)
      await this.#check(told, `${name}, after it was stored again`)
      mustBeEmpty((await inspectStore(memory)).problems.filter(isNotOrphan), `${name}, healed`)
    }
    const { unfinished, counts, stored, references } = await inspectStore(memory)
    mustBeEmpty(unfinished, `${name}, after recovery, unfinished`)
    // A stream with a reference that expires remains a candidate.
    const kinds = ['i', 't', ...(scenario.pinned ? [] : ['c'])]
    mustBeEmpty(
      kinds.filter((kind) => counts[kind] !== undefined),
      `${name}, after recovery, rows left`,
    )
    const referenced = [...new Set(references.map((each) => each.slice(0, 32)))].toSorted().join()
    must(
      [...stored.keys()].toSorted().join() === referenced,
      `${name}, after recovery: not exactly the referenced streams are stored`,
    )
  }

  async #problemsOf(contents: StoreContents): Promise<string[]> {
    return (this.#damaged ? await this.#damaged.problems(contents) : contents.problems).filter(isNotOrphan)
  }

  async #check(told: Told, what: string): Promise<void> {
    const contents = await inspectStore(this.#memory)
    mustBeEmpty([...(await this.#problemsOf(contents)), ...told.wrong], what)
    // Wrong bytes of the right length do not show before somebody reads them.
    const unread = this.#scenario.damage === 'flipped' && (await this.#damaged!.row()) !== undefined
    for (const [reference, content] of unread ? [] : told.set) {
      const row = contents.references.find((each) => each.endsWith(`/${reference}`))
      must(contents.stored.get(row?.slice(0, 32) ?? '') === content, `${what}: ${reference} does not keep ${content}`)
    }
    for (const reference of told.refused) {
      const found = contents.references.some((each) => each.endsWith(`/${reference}`))
      must(!found, `${what}: ${reference} was refused, and is there`)
    }
    const alias = contents.rows.get('a/x')
    if (alias) must(contents.references.includes(`${alias}/alias`), `${what}: the alias has no reference`)
  }
}
