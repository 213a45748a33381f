import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { StreamStore, systemHost } from '../../src/store.ts'
import { startChild } from '../support/child-program.ts'
import { collectHastily } from '../support/hasty-collector.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { pattern } from '../support/store-tools.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** A process that stores, collects or scrubs. */
interface Running {
  readonly child: ChildProcess
  readonly lines: string[]
  /** How it ended. */
  readonly ended: Promise<{ code: number | null; errors: string }>
}

function start(
  directory: string,
  name: string,
  work: number | 'collect' | 'scrub',
  onLine?: (running: Running) => void,
): Running {
  const child = startChild('collecting-child', directory, name, String(work))
  const lines: string[] = []
  let rest = ''
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk))
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, errors }))
  })
  const running = { child, lines, ended }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
    onLine?.(running)
  })
  return running
}

describe('a directory in which processes store, remove, collect and scrub', () => {
  it('keeps what they were told is stored, also when some are killed, and nothing else', async () => {
    const directory = join(root, 'hive')
    await (await directoryBackend(directory)).close()
    const killAfter =
      (count: number) =>
      ({ child, lines }: Running): void => {
        if (lines.length >= count) child.kill('SIGKILL')
      }
    const storing = ['A', 'B'].map((name) => start(directory, name, 60))
    const killed = ['C', 'D', 'E'].map((name, i) => start(directory, name, 60, killAfter(11 + 13 * i)))
    const collecting = [start(directory, 'X', 'collect'), start(directory, 'Y', 'collect', killAfter(3))]
    let scrubbing!: Running
    const scrubbed = new Promise<void>((resolve) => {
      scrubbing = start(directory, 'Z', 'scrub', () => resolve())
    })
    for (const { ended } of storing) expect(await ended).toEqual({ code: 0, errors: '' })
    for (const { ended } of killed) await ended
    await Promise.race([scrubbed, scrubbing.ended])
    for (const { child, ended } of [...collecting, scrubbing]) {
      child.kill('SIGKILL')
      await ended
    }
    const collected = collecting.flatMap(({ lines }) => lines)
    expect([...collected, ...scrubbing.lines].filter((line) => line.startsWith('problem'))).toEqual([])
    expect(collected.length).toBeGreaterThan(3)
    expect(scrubbing.lines.length).toBeGreaterThan(0)

    const told = [...storing, ...killed].flatMap(({ lines }) => lines.map((line) => line.split(' ')))
    const removed = new Set(told.filter(([what]) => what === 'removing').map(([, reference]) => reference))
    const kept = told.filter(([what, reference]) => what === 'stored' && !removed.has(reference))
    expect(kept.length).toBeGreaterThan(30)
    const backend = await directoryBackend(directory)
    // What a put that came after its intent was reaped left, only a scrub finds: a process that was killed has put it.
    const isNotOrphan = (problem: string): boolean => !problem.startsWith('no row names object')
    const check = async () => {
      const contents = await inspectStore(backend)
      expect(contents.problems.filter(isNotOrphan)).toEqual([])
      for (const [, reference, length] of kept) {
        const row = contents.references.find((each) => each.slice(33) === reference)
        const bytes = contents.stored.get(row?.slice(0, 32) ?? '')
        expect(bytes, reference).toBe(String.fromCharCode(...pattern(Number(length))))
      }
      return contents
    }
    await check()
    await collectHastily(backend, systemHost)
    await collectHastily(backend, systemHost)
    const { counts, unfinished, stored, references } = await check()
    expect(unfinished).toEqual([])
    for (const kind of ['c', 'i', 't']) expect(counts[kind], kind).toBeUndefined()
    expect(stored.size).toBe(new Set(references.map((each) => each.slice(0, 32))).size)

    const store = new StreamStore(backend)
    expect(await store.scrub({ repair: true, force: true })).toMatchObject({
      checked: { streams: stored.size },
      damaged: { streams: 0 },
      problems: [],
    })
    await collectHastily(backend, systemHost)
    expect((await inspectStore(backend)).problems).toEqual([])
    await backend.close()
    expect((await readdir(directory)).toSorted()).toContain('blocks')
  })
})
