const LATE_FAILURE = 'pipeTo() resolves although the sink has failed before the first chunk'

/** Tests that cannot pass in workerd, and why: a part of their file, a part of their name, and what workerd does. */
const DIFFERENCES: readonly (readonly [file: string, name: string, reason: string])[] = [
  ['damage', 'follows the same rules without HTTP', LATE_FAILURE],
  ['damage', 'is never overwritten', LATE_FAILURE],
  ['http-authorize', 'refuses all of that below the prefix of another user', LATE_FAILURE],
  ['hive-watch', 'nothing of other stores or of what failed', LATE_FAILURE],
  [
    'rsync-load-signature',
    "fails with the stream's own error",
    'a pipe whose source is silent does not end when it is aborted',
  ],
  ['rsync-signature', 'the strong sums', 'compiles another library in a request, which is forbidden'],
]

/** Why a test is left out; undefined if it is not. */
export function whyLeftOut(file: string, name: string): string | undefined {
  return DIFFERENCES.find((known) => file.startsWith(known[0]) && name.includes(known[1]))?.[2]
}
