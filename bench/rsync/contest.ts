import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { equalFiles } from './equal-files.ts'
import type { Competitor } from './competitor.ts'
import type { Corpus, CorpusName } from './corpora.ts'
import type { OwnJob } from './own-job.ts'
import { OwnProcess } from './own-process.ts'
import { rdiff, rdiffProcess } from './rdiff.ts'
import type { Operation } from './targets.ts'

/** One way in which combstream competes in a contest. */
export interface Contender {
  /** Name of the row. */
  readonly operation: Operation
  /** The job of its process. */
  readonly job: OwnJob
  /** Returns what is wrong with the result in the file `result`, if anything. */
  check(result: string): Promise<string | undefined>
}

/** The same work on the same files, done by combstream in one or more ways, and by a peer. */
export interface Contest {
  /** The files. */
  readonly corpus: CorpusName
  /** The ways in which combstream does it. */
  readonly contenders: readonly Contender[]
  /** Starts the peer. `worker` is the script that our processes run. */
  readonly peer: (worker: string) => Competitor
  /** Path of the file that all of them write. If undefined, the results are discarded. */
  readonly output?: string
  /** Path of rdiff's delta, if the work is to compute a delta. */
  readonly peerDelta?: string
}

/** Prepares rdiff's files for the pairs in `scratch`, and lists the contests in the order of the table. */
export async function contestsOf(
  corpora: readonly Corpus[],
  scratch: string,
  literalLimit: number,
): Promise<Contest[]> {
  const all: Files[] = []
  for (const corpus of corpora) {
    const [signature, delta] = [join(scratch, `${corpus.name}.signature`), join(scratch, `${corpus.name}.delta`)]
    await rdiff('signature', corpus.basis, signature)
    await rdiff('delta', signature, corpus.edited, delta)
    all.push({ ...corpus, signature, delta })
  }
  return [
    await signatureContest(find(all, 'tar'), 'BLAKE2b', scratch),
    await signatureContest(find(all, 'tar'), 'MD4', scratch),
    ...all.map((files) => deltaContest(files, literalLimit)),
    ...all.map((files) => patchContest(files, scratch)),
    await chainContest(find(all, 'insert'), scratch),
    await chainContest(find(all, 'different'), scratch),
  ]
}

interface Files extends Corpus {
  readonly signature: string
  readonly delta: string
}

async function signatureContest({ name, basis }: Files, hash: 'BLAKE2b' | 'MD4', scratch: string): Promise<Contest> {
  const [sum, option] =
    hash === 'MD4' ? (['rabinkarp-md4', 'md4'] as const) : (['rabinkarp-blake2b', 'blake2'] as const)
  const expected = join(scratch, `${hash}.signature`)
  await rdiff('-H', option, 'signature', basis, expected)
  const job = { kind: 'signature', source: basis, sum } as const
  return {
    corpus: name,
    contenders: [
      { operation: `signature ${hash}`, job: { ...job, as: 'job' }, check: sameAs(expected) },
      { operation: `SignatureStream ${hash}`, job: { ...job, as: 'streams' }, check: sameAs(expected) },
    ],
    peer: () => rdiffProcess('-H', option, 'signature', basis, '/dev/null'),
  }
}

function deltaContest({ name, basis, edited, signature, delta }: Files, literalLimit: number): Contest {
  const job = { kind: 'delta', signature, edited, literalLimit } as const
  const checkCompact = async (result: string): Promise<string | undefined> => {
    if ((await stat(result)).size > (await stat(delta)).size) return "larger than rdiff's delta"
    const patched = `${result}.patched`
    await rdiff('patch', basis, result, patched)
    const wrong = await sameAs(edited)(patched)
    await rm(patched)
    return wrong
  }
  return {
    corpus: name,
    contenders: [
      { operation: 'delta compat', job: { ...job, mode: 'compat', as: 'job' }, check: sameAs(delta) },
      { operation: 'delta compact', job: { ...job, mode: 'compact', as: 'job' }, check: checkCompact },
      { operation: 'DeltaStream', job: { ...job, mode: 'compat', as: 'streams' }, check: sameAs(delta) },
    ],
    peer: () => rdiffProcess('delta', signature, edited, '/dev/null'),
    peerDelta: delta,
  }
}

/** The result is written to a file. Without that, rdiff's patch would come down to reading its basis. */
function patchContest({ name, basis, edited, delta }: Files, scratch: string): Contest {
  const output = join(scratch, 'patched')
  return {
    corpus: name,
    contenders: [
      { operation: 'patch', job: { kind: 'patch', basis, delta, as: 'job' }, check: sameAs(edited) },
      { operation: 'PatchStream', job: { kind: 'patch', basis, delta, as: 'streams' }, check: sameAs(edited) },
    ],
    peer: () => rdiffProcess('patch', basis, delta, output),
    output,
  }
}

async function chainContest({ name, basis, edited, signature }: Files, scratch: string): Promise<Contest> {
  const expected = join(scratch, `${name}.chain`)
  await rdiff('signature', edited, expected)
  const files = { signature, basis, edited }
  return {
    corpus: name,
    contenders: [{ operation: 'chain', job: { kind: 'chain', ...files }, check: sameAs(expected) }],
    peer: (worker) => new OwnProcess(worker, { kind: 'bare chain', ...files }),
  }
}

function find(all: readonly Files[], name: CorpusName): Files {
  return all.find((files) => files.name === name)!
}

function sameAs(expected: string): (result: string) => Promise<string | undefined> {
  return async (result) => ((await equalFiles(result, expected)) ? undefined : "the bytes differ from rdiff's")
}
