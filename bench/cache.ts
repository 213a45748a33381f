import { benchInBrowsers } from './cache/browsers.ts'
import { benchEdge, type CacheBenchOptions } from './cache/edge.ts'
import { countSecondVersion } from './cache/second-version.ts'

/** Measures the block cache: an edge, a second version, and a page. Returns whether nothing was missing. */
export async function benchCache(options: CacheBenchOptions): Promise<boolean> {
  const { only, byteLength } = options
  if ('edge'.includes(only)) await benchEdge(options)
  if ('version'.includes(only)) await countSecondVersion(byteLength)
  return benchInBrowsers(options)
}
