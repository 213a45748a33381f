/** Node 24 and later, with its own streams. */
const RUNS_ALL = /^Node\.js\/(?!22\b)/.test(navigator.userAgent) && 'ReadableStream' in globalThis

/**
 * The cases of an exhaustive test that this runtime takes. Node takes all of them. The same code meets the same cases in eight
 * other runtimes, where only the runtime is new: each takes one of `every`, and not all of them the same.
 */
export function sample<T>(cases: readonly T[], every = 5): readonly T[] {
  if (RUNS_ALL) return cases
  const first = navigator.userAgent.length % every
  const some = cases.filter((_, index) => index % every === first)
  return some.length > 0 ? some : cases.slice(0, 1)
}

/** The seeds 1, 2, … `count` of a random test, or some of them as in {@linkcode sample}. */
export function seeds(count: number, every = 5): readonly number[] {
  return sample(
    Array.from({ length: count }, (_, index) => index + 1),
    every,
  )
}
