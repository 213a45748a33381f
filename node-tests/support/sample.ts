/**
 * Whether this is Node 24 or later with its own streams. A host whose streams are those of the polyfill has no CompressionStream,
 * because the polyfill does not include one.
 */
const RUNS_ALL = /^Node\.js\/(?!22\b)/.test(navigator.userAgent) && 'CompressionStream' in globalThis

/**
 * Returns the cases of an exhaustive test that this runtime runs. Node runs all of them. In the other eight runtimes
 * only the runtime differs, so each runs one case in `every`, and not all of them the same ones. If cases of several kinds alternate,
 * `every` must be prime to the number of kinds, or one kind is never chosen.
 */
export function sample<T>(cases: readonly T[], every = 5): readonly T[] {
  if (RUNS_ALL) return cases
  const first = navigator.userAgent.length % every
  const some = cases.filter((_, index) => index % every === first)
  return some.length > 0 ? some : cases.slice(0, 1)
}

/** Returns the seeds 1, 2, … `count` of a random test, or some of them, like {@linkcode sample}. */
export function seeds(count: number, every = 5): readonly number[] {
  return sample(
    Array.from({ length: count }, (_, index) => index + 1),
    every,
  )
}
