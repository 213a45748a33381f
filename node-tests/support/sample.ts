import { inject } from 'vitest'

/** The share of the cases of long tests that a suite runs: of `of` equal parts, those with the numbers `parts`. */
export interface Share {
  readonly of: number
  readonly parts: readonly number[]
}

declare module 'vitest' {
  interface ProvidedContext {
    share: Share
  }
}

/**
 * Returns the cases of a long test that this suite runs: all of them, unless `npm test` runs the same test in several
 * runtimes. Then each case runs in one of them at least, and every runtime runs some of them.
 *
 * @param every The largest number of parts. Fewer parts are larger.
 */
export function sample<T>(cases: readonly T[], every = 10): readonly T[] {
  const share = inject('share')
  const of = Math.min(every, share.of, cases.length)
  const parts = new Set(share.parts.map((part) => part % of))
  return cases.filter((_, index) => parts.has(index % of))
}

/** Returns the seeds 1, 2, … `count` of a random test, or some of them, like {@linkcode sample}. */
export function seeds(count: number, every = 10): readonly number[] {
  return sample(
    Array.from({ length: count }, (_, index) => index + 1),
    every,
  )
}

/** Returns how many of `count` random cases, which differ from run to run, this suite runs: its share of them. */
export function runs(count: number, every = 5): number {
  return seeds(count, every).length
}
