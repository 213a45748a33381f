import { expect, inject } from 'vitest'

/** The share of the cases of long tests that a suite runs: of `of` equal parts, those with the numbers `parts`. */
export interface Share {
  readonly of: number
  readonly parts: readonly number[]
}

/** What a suite ran of a long test. */
export interface Dealt {
  /** The test's file, such as `simulated/store-faults.test.ts`. */
  readonly file: string
  readonly cases: number
  /** Number of parts that the cases were divided into. */
  readonly of: number
  /** Which of them the suite ran. */
  readonly ran: readonly number[]
}

declare module 'vitest' {
  interface ProvidedContext {
    /** For each folder of tests, the share of this suite. None if it runs all cases. */
    shares: Readonly<Record<string, Share>>
  }
  interface TaskMeta {
    dealt?: Dealt[]
  }
}

const dealt: Dealt[] = []

/**
 * Returns the cases of a long test that this suite runs: all of them, unless `npm test` deals them out to the suites that run
 * the test's folder (scripts/suites.mjs). Then each case runs in one of them at least, and every suite runs some of them.
 *
 * @param every The largest number of parts. Fewer parts are larger.
 */
export function sample<T>(cases: readonly T[], every = 20): readonly T[] {
  const { file, share } = ownShare()
  if (share === undefined || cases.length === 0) return cases
  const of = Math.min(every, share.of, cases.length)
  const ran = [...new Set(share.parts.map((part) => Math.floor((part * of) / share.of)))]
  dealt.push({ file, cases: cases.length, of, ran })
  return cases.filter((_, index) => ran.includes(index % of))
}

/**
 * Returns `short`, or `whole` if this suite runs all cases. With it, a test has a long form for `npm test -- --whole`: larger
 * contents, more rounds, or cases that other tests cover nearly as well.
 */
export function wholeOr<T>(whole: T, short: T): T {
  return ownShare().share === undefined ? whole : short
}

/** Returns the test file that is running or being loaded, and this suite's share of the tests in its folder. */
function ownShare(): { file: string; share: Share | undefined } {
  const [name = '', folder = ''] = expect.getState().testPath?.split(/[/\\]/).toReversed() ?? []
  return { file: `${folder}/${name}`, share: inject('shares')[folder] }
}

/** Returns what was dealt since the last call. */
export function takeDealt(): Dealt[] {
  return dealt.splice(0)
}

/** Returns the seeds 1, 2, … `count` of a random test, or some of them, like {@linkcode sample}. */
export function seeds(count: number, every = 20): readonly number[] {
  return sample(
    Array.from({ length: count }, (_, index) => index + 1),
    every,
  )
}

/** Returns how many of `count` random cases, which differ from run to run, this suite runs: its share of them. */
export function runs(count: number, every = 10): number {
  return seeds(count, every).length
}
