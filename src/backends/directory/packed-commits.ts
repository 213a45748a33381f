import type { Check, Mutation } from '../../store/backend.ts'

/** What is asked for in a commit. */
export interface Commit {
  readonly checks: readonly Check[]
  readonly mutations: readonly Mutation[]
}

/**
 * Commits in a form that is sent to another thread: one buffer has the bytes of all keys and values, since an array that
 * is sent by itself takes all of the memory that it is a part of with it. It is not a Uint8Array, since Deno looks at each
 * property of what it receives, and a Uint8Array has one for each byte: a few megabytes take a second, and many are
 * refused.
 */
export interface PackedCommits {
  readonly bytes: ArrayBuffer
  /** For each commit: the number of checks and of mutations, the length of each key, and of each mutation's value. */
  readonly lengths: readonly number[]
  /** The version in each check. */
  readonly versions: readonly (string | undefined)[]
}

/** Stands for the length of the value in a mutation that deletes a row. */
const DELETED = -1

/** Packs commits; the bytes are copied. */
export function packCommits(commits: readonly Commit[]): PackedCommits {
  const parts: Uint8Array[] = []
  const lengths: number[] = []
  const versions: (string | undefined)[] = []
  for (const { checks, mutations } of commits) {
    lengths.push(checks.length, mutations.length)
    for (const { key, version } of checks) {
      lengths.push(key.byteLength)
      versions.push(version)
      parts.push(key)
    }
    for (const { key, value } of mutations) {
      lengths.push(key.byteLength, value?.byteLength ?? DELETED)
      parts.push(key)
      if (value) parts.push(value)
    }
  }
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.byteLength
  }
  return { bytes: bytes.buffer, lengths, versions }
}

/** Unpacks commits, whose keys and values are parts of `bytes`. */
export function unpackCommits({ bytes, lengths, versions }: PackedCommits): Commit[] {
  const all = new Uint8Array(bytes)
  let offset = 0
  let lengthIndex = 0
  let versionIndex = 0
  const next = (): number => lengths[lengthIndex++]!
  const take = (byteLength: number): Uint8Array => all.subarray(offset, (offset += byteLength))
  const commits: Commit[] = []
  while (lengthIndex < lengths.length) {
    const checkCount = next()
    const mutationCount = next()
    const checks = Array.from({ length: checkCount }, () => ({ key: take(next()), version: versions[versionIndex++] }))
    const mutations = Array.from({ length: mutationCount }, () => {
      const keyLength = next()
      const valueLength = next()
      const key = take(keyLength)
      return { key, value: valueLength === DELETED ? undefined : take(valueLength) }
    })
    commits.push({ checks, mutations })
  }
  return commits
}
