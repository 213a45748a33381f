import { benchAgainstPlain, type PlainRow } from './against-plain.ts'
import type { Corpus } from './corpora.ts'

/** What a runtime is to measure. */
export interface Plan {
  /** The pairs, by what the runtime gets their bytes with: paths or URLs. */
  readonly corpora: readonly Corpus[]
  /** Runs of each of the two. */
  readonly rounds: number
  /** Only rows whose operation and pair have this text in them. */
  readonly only: string
}

/** What a runtime tells: who it is, then row by row, then that this was all. */
export type Message =
  | { readonly kind: 'host'; readonly userAgent: string }
  | { readonly kind: 'row'; readonly row: PlainRow }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'done' }

/** Carries out a plan in the runtime that this runs in. */
export async function carryOut(
  plan: Plan,
  load: (place: string) => Promise<Uint8Array>,
  tell: (message: Message) => Promise<void>,
): Promise<void> {
  await tell({ kind: 'host', userAgent: navigator.userAgent })
  const onFailure = (message: string): Promise<void> => tell({ kind: 'failed', message })
  for (const { name, basis, edited } of plan.corpora) {
    try {
      const corpus = { name, basis: await load(basis), edited: await load(edited) }
      await benchAgainstPlain(corpus, { ...plan, onRow: (row) => tell({ kind: 'row', row }), onFailure })
    } catch (error) {
      await onFailure(`${name}: ${String(error)}`)
    }
  }
  await tell({ kind: 'done' })
}
