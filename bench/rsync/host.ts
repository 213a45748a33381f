import { benchAgainstPlain, type PlainRow } from './against-plain.ts'
import type { Corpus } from './corpora.ts'

/** The measurements that a runtime has to do. */
export interface Plan {
  /** The pairs, as paths or URLs from which the runtime loads them. */
  readonly corpora: readonly Corpus[]
  /** Number of runs of each side. */
  readonly rounds: number
  /** Only rows whose operation and pair contain this text. */
  readonly only: string
}

/** The messages of a runtime: first its user agent, then each row, then that it is done. */
export type Message =
  | { readonly kind: 'host'; readonly userAgent: string }
  | { readonly kind: 'row'; readonly row: PlainRow }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'done' }

/** Carries out a plan in the current runtime. */
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
