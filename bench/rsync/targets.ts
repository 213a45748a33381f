import type { CorpusName } from './corpora.ts'

/** What a row of the bench measures. */
export type Operation =
  | 'signature BLAKE2b'
  | 'signature MD4'
  | 'delta compat'
  | 'delta compact'
  | 'patch'
  | 'chain'
  | 'SignatureStream BLAKE2b'
  | 'SignatureStream MD4'
  | 'DeltaStream'
  | 'PatchStream'

/** The target for a delta of each pair. An insertion into noise has none. */
const DELTA: Record<CorpusName, number | undefined> = {
  tar: 3,
  insert: undefined,
  different: 5,
  identical: 1.3,
  zeros: 1.3,
  repeated: 1.3,
}

/**
 * The project's targets: a multiple of the peer's speed in CPU time, or undefined if there is none. A chain of three
 * streams may take 5 % more than its jobs alone. The other targets apply to the jobs. The streams over files are shown
 * next to them, to show what they cost in Node.
 */
export function targetOf(operation: Operation, corpus: CorpusName): number | undefined {
  switch (operation) {
    case 'signature BLAKE2b':
      return 1.4
    case 'signature MD4':
      return 1.5
    case 'delta compat':
    case 'delta compact':
      return DELTA[corpus]
    case 'patch':
      return 0.95
    case 'chain':
      return 1 / 1.05
    default:
      return undefined
  }
}
