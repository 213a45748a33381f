import { writeSync } from 'node:fs'
import process from 'node:process'
import { openDirectory } from '../../src/backends/directory/directory-backend.ts'
import { type FileCalls, nodeFiles, type OpenFile } from '../../src/backends/directory/file-calls.ts'
import type { Backend, Mutation } from '../../src/store.ts'
import { parseStream } from '../../src/store/rows/row-values.ts'

/** Writes a line to the parent process. The parent has it when this returns. */
export function say(line: string): void {
  writeSync(1, `${line}\n`)
}

/** An action of a process of the crash loop. */
export type Action =
  | 'put'
  | 'remove'
  | 'store'
  | 'store and mark'
  | 'find or store'
  | 'condemn and store'
  | 'condemn and mark'
  | 'unmark'
  | 'abort'
  | 'collect'
  | 'begin to collect'
  | 'scrub'
  | 'strand'

const ACTIONS_WITH_FILES: readonly Action[] = ['put', 'store', 'remove', 'collect']
const ACTIONS_THAT_COLLECT: readonly Action[] = ['remove', 'unmark', 'put', 'collect']

/**
 * The steps by which processes change an existing hive, and the actions that include them. Steps are calls of the file
 * system, and commits.
 */
export const STEPS: Readonly<Record<string, readonly Action[]>> = {
  'make a directory of objects': ACTIONS_WITH_FILES,
  'create an object': ACTIONS_WITH_FILES,
  'write an object': ACTIONS_WITH_FILES,
  'sync an object': ACTIONS_WITH_FILES,
  'rename an object': ACTIONS_WITH_FILES,
  'sync a directory of objects': ACTIONS_WITH_FILES,
  'remove an object': ACTIONS_WITH_FILES,
  'commit: begin an upload': ['put', 'store'],
  'commit: add blocks': ['put', 'store'],
  'commit: store': ['put', 'store', 'store and mark', 'remove', 'collect'],
  'commit: store what is there': ['put', 'store'],
  'commit: store what is condemned': ['condemn and store'],
  'commit: give up an upload': ['abort'],
  'commit: forget an intent': ['collect'],
  'commit: mark': ['store and mark', 'unmark', 'find or store'],
  'commit: mark what is condemned': ['condemn and mark'],
  'commit: unmark': ['unmark', 'store'],
  'commit: remove an entry': ['remove', 'put'],
  'commit: the version': ACTIONS_THAT_COLLECT,
  'commit: condemn': ACTIONS_THAT_COLLECT,
  'commit: condemn for good': ACTIONS_THAT_COLLECT,
  'commit: move blocks to the trash': ACTIONS_THAT_COLLECT,
  'commit: forget a stream': ACTIONS_THAT_COLLECT,
  'commit: forget a candidate': ACTIONS_THAT_COLLECT,
  'commit: move strangers to the trash': ['strand', 'scrub'],
  'commit: forget trash': ACTIONS_THAT_COLLECT,
}

/** Steps that happen only once, or only if several processes interfere with each other. */
export const RARE_STEPS: readonly string[] = [
  'make the hive',
  'create the marker',
  'write the marker',
  'sync the marker',
  'rename the marker',
  'sync the hive',
  'commit: more intents',
  'commit: spare',
]

/** Where a process dies: at the first step of this name (any step, if it is empty) after `skip` others. */
export interface DeathPlan {
  readonly step: string
  /** `half`: with half of the bytes written. Only for steps that write. */
  readonly when: 'before' | 'half' | 'after'
  readonly skip: number
}

/**
 * Whether collectors wait for the lease of an upload (`patient`) or end it during the upload (`hasty`). In the second
 * case, the last put of an upload may arrive after the upload was collected, so only a scrub finds its object.
 */
export type Manner = 'patient' | 'hasty'

/** Runs the steps of a process, and kills the process at one of them. */
export class Steps {
  #plan: DeathPlan
  #passed = 0
  /** Called after each step that succeeded. */
  onDone: (step: string) => void = () => undefined

  constructor(plan: DeathPlan) {
    this.#plan = plan
  }

  /** Dies at the next step, whatever it is. */
  dieSoon(): void {
    this.#plan = { ...this.#plan, step: '', skip: this.#passed }
  }

  /** Runs a step. `half` does half of its work. */
  async take<T>(step: string, work: () => Promise<T>, half?: () => Promise<unknown>): Promise<T> {
    const { step: planned, when, skip } = this.#plan
    const dies = (planned === '' || planned === step) && this.#passed++ === skip
    if (!dies) {
      const result = await work()
      this.onDone(step)
      return result
    }
    if (when === 'half' && half) await half()
    // The step may fail: the directory may already exist, or the file may not.
    else if (when === 'after') await Promise.allSettled([work()])
    say(`dies ${when === 'half' && !half ? 'before' : when} ${step}`)
    process.kill(process.pid, 'SIGKILL')
    throw new Error('the process is still alive')
  }
}

/** Opens a directory as a backend that counts its steps. */
export async function openCounted(path: string, steps: Steps, thread: boolean): Promise<Backend> {
  const backend = await openDirectory(countedFiles(steps), path, { thread })
  return {
    ...backend,
    metadata: {
      get: (...args) => backend.metadata.get(...args),
      list: (...args) => backend.metadata.list(...args),
      commit: (...args) => steps.take(nameOfCommit(args[1]), () => backend.metadata.commit(...args)),
    },
  }
}

function countedFiles(steps: Steps): FileCalls {
  return {
    ...nodeFiles,
    async open(path, flags) {
      if (flags === 'r') {
        const file = await nodeFiles.open(path, 'r')
        return wrap(file, { sync: () => steps.take(`sync ${directoryAt(path)}`, () => file.sync()) })
      }
      const what = fileAt(path)
      const file = await steps.take(`create ${what}`, () => nodeFiles.open(path, 'wx'))
      return wrap(file, {
        write: (bytes, offset, length, position) =>
          steps.take(
            `write ${what}`,
            () => file.write(bytes, offset, length, position),
            () => file.write(bytes, offset, length >> 1, position),
          ),
        sync: () => steps.take(`sync ${what}`, () => file.sync()),
      })
    },
    mkdir: (path, options) => steps.take(`make ${directoryAt(path)}`, () => nodeFiles.mkdir(path, options)),
    rename: (from, to) => steps.take(`rename ${fileAt(to)}`, () => nodeFiles.rename(from, to)),
    unlink: (path) => steps.take(`remove ${fileAt(path)}`, () => nodeFiles.unlink(path)),
  }
}

function wrap(file: OpenFile, calls: Partial<OpenFile>): OpenFile {
  return {
    read: (...args) => file.read(...args),
    write: (...args) => file.write(...args),
    stat: () => file.stat(),
    sync: () => file.sync(),
    close: () => file.close(),
    ...calls,
  }
}

function fileAt(path: string): string {
  return path.includes('/blocks/') ? 'an object' : 'the marker'
}

function directoryAt(path: string): string {
  return path.includes('/blocks') ? 'a directory of objects' : 'the hive'
}

/** The names of commits by the rows that they change. The first that fits is the name. */
const COMMITS: readonly (readonly [changes: string, name: string])[] = [
  ['s=storing +m', 'add blocks'],
  ['s=storing', 'begin an upload'],
  ['s=deleting(duplicate) s=stored', 'store what is condemned'],
  ['s=deleting(duplicate)', 'store what is there'],
  ['s=deleting(aborted)', 'give up an upload'],
  ['s=deleting(collected)', 'condemn for good'],
  ['s=condemned', 'condemn'],
  ['s=stored +h', 'store'],
  ['s=stored +r', 'mark what is condemned'],
  ['s=stored', 'spare'],
  ['+r', 'mark'],
  ['-r -a', 'remove an entry'],
  ['-r', 'unmark'],
  ['+t -m', 'move blocks to the trash'],
  ['+t', 'move strangers to the trash'],
  ['-t', 'forget trash'],
  ['-s', 'forget a stream'],
  ['-c', 'forget a candidate'],
  ['+i', 'more intents'],
  ['-i', 'forget an intent'],
  ['+v', 'the version'],
]

function nameOfCommit(mutations: readonly Mutation[]): string {
  const changes = new Set(
    mutations.map(({ key, value }) => {
      // All stores of the crash loop have an empty name.
      const kind = String.fromCharCode(key[1]!)
      if (!value) return `-${kind}`
      if (kind !== 's') return `+${kind}`
      const { status } = parseStream(value)
      return `s=${status.kind}${status.kind === 'deleting' ? `(${status.reason})` : ''}`
    }),
  )
  const found = COMMITS.find(([fits]) => fits.split(' ').every((each) => changes.has(each)))
  return `commit: ${found?.[1] ?? [...changes].toSorted().join(' ')}`
}
