import { join } from 'node:path'
import { type Contest, holdContests } from './contest.ts'
import { aria2cContest, hasAria2c } from './http/aria2c.ts'
import { hashingContest } from './http/hashing.ts'
import { readingContest, withCuts } from './http/reading-whole.ts'
import { seekingContest } from './http/seeking.ts'
import { benchServing } from './http/serving.ts'
import { startServing } from './http/serving-process.ts'

/** What is measured over HTTP. */
export interface HttpBenchOptions {
  /** Directory for the hive and for what peers write. */
  readonly directory: string
  /** Number of bytes to read; undefined: 1 GiB nearby, 256 MiB over a slow link. */
  readonly byteLength: number | undefined
  readonly rounds: number
  /** Only rows whose name contains this. */
  readonly only: string
}

/** Prints a table of reading over HTTP. Returns whether no peer was missing. */
export async function benchHttp({ directory, byteLength, rounds, only }: HttpBenchOptions): Promise<boolean> {
  await benchServing({ directory, byteLength: byteLength ?? 2 ** 30, rounds, only })
  const names = ['near', 'near-hashed', 'near-thread', 'slow', 'cut', 'aria2c', 'seek'].filter((name) =>
    name.includes(only),
  )
  if (names.length === 0) return true
  const isMissing = names.includes('aria2c') && !(await hasAria2c())
  if (isMissing) console.log('aria2c is missing: apt-get install aria2')
  const near = byteLength ?? 2 ** 30
  const far = byteLength ?? 2 ** 28
  // aria2c reads the whole, so the entry has no more than is read over the slow link, unless another row needs it.
  const serving = await startServing(join(directory, 'near'), near)
  const servingFar = await startServing(join(directory, 'far'), far)
  const nearby = { where: 'over loopback', url: serving.urls.near, byteLength: near, target: 0.95 }
  const { slow, cut } = servingFar.urls
  const cutOff = { where: '100 Mbit/s, 50 ms, connections cut', url: cut, byteLength: far, target: 1 }
  const rows: Record<string, () => Contest> = {
    near: () => readingContest(nearby),
    'near-hashed': () => hashingContest(nearby, false),
    'near-thread': () => hashingContest(nearby, true),
    slow: () => readingContest({ where: '100 Mbit/s, 50 ms', url: slow, byteLength: far, target: 0.98 }),
    cut: () => withCuts(readingContest(cutOff), servingFar.beginCuts),
    aria2c: () => withCuts(aria2cContest(cutOff, directory), servingFar.beginCuts),
    seek: () => seekingContest(slow, far),
  }
  try {
    const contests = names.filter((name) => name !== 'aria2c' || !isMissing).map((name) => rows[name]!())
    await holdContests('reading over HTTP', contests, rounds)
  } finally {
    await Promise.all([serving.close(), servingFar.close()])
  }
  return !isMissing
}
