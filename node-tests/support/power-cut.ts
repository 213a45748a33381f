import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { directoryBackend } from '../../src/backends/directory.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { inspectStore } from './inspect-store.ts'
import type { Event, Facts, Node } from './power-cut-recorder.ts'
import { VirtualHost } from './virtual-host.ts'

/** What a power cut leaves of unsynced changes. A number is the seed for leaving random parts of them. */
export type Luck = 'nothing' | 'the last name' | 'all names' | 'all names and half of the bytes' | number

/** The disk after a power cut. */
interface Disk {
  /** The files and directories, by path. */
  readonly paths: ReadonlyMap<string, 'directory' | Uint8Array>
  readonly facts: Facts
}

/** Returns the disk after a power cut that follows `count` events. The sync at index `without` has no effect. */
export function diskAfter(events: readonly Event[], count: number, luck: Luck, without?: number): Disk {
  const names = new Map<string, Map<string, Node>>()
  const files = new Map<number, Uint8Array>()
  let database: ReadonlyMap<string, Uint8Array> = new Map()
  let facts: Facts = new Map()
  let pending: { readonly event: Event; readonly index: number }[] = []
  const apply = (event: Event, share = 1): void => {
    if (event.kind === 'names') {
      const directory = names.get(event.directory) ?? new Map<string, Node>()
      names.set(event.directory, directory)
      for (const [name, node] of event.names) {
        if (node === undefined) directory.delete(name)
        else directory.set(name, node)
      }
    } else if (event.kind === 'bytes') {
      const old = files.get(event.file) ?? new Uint8Array(0)
      const bytes = event.bytes.subarray(0, Math.floor(event.bytes.byteLength * share))
      const whole = new Uint8Array(Math.max(old.byteLength, event.position + bytes.byteLength))
      whole.set(old)
      whole.set(bytes, event.position)
      files.set(event.file, whole)
    }
  }
  for (const [index, event] of events.slice(0, count).entries()) {
    if (event.kind === 'commit') database = event.files
    else if (event.kind === 'told') facts = event.facts
    else if (event.kind !== 'sync') pending.push({ event, index })
    else if (index !== without) {
      const isSynced = (each: { event: Event; index: number }): boolean =>
        each.index < event.begun && subjectOf(each.event) === event.of
      for (const each of pending.filter(isSynced)) apply(each.event)
      pending = pending.filter((each) => !isSynced(each))
    }
  }
  const random = new VirtualHost({ seed: typeof luck === 'number' ? luck : 0 })
  const last = pending.findLast(({ event }) => event.kind === 'names')?.event
  const isKept = (event: Event): boolean => {
    if (luck === 'the last name') return event === last
    if (luck === 'nothing' || event.kind === 'bytes') return luck === 'all names and half of the bytes'
    return true
  }
  for (const { event } of pending) {
    if (typeof luck === 'number') {
      const share = Math.floor(3 * random.fraction()) / 2
      if (share > 0) apply(event, share)
    } else if (isKept(event)) apply(event, 0.5)
  }

  const paths = new Map<string, 'directory' | Uint8Array>()
  const visit = (directory: string): void => {
    for (const [name, node] of names.get(directory) ?? []) {
      const path = join(directory, name)
      if (node === 'directory') {
        paths.set(path, node)
        visit(path)
      } else if (node === 'database') {
        for (const [each, bytes] of database) paths.set(join(directory, each), bytes)
      } else paths.set(path, files.get(node) ?? new Uint8Array(0))
    }
  }
  visit('')
  return { paths, facts }
}

function subjectOf(event: Event): number | string | undefined {
  if (event.kind === 'names') return event.directory
  return event.kind === 'bytes' ? event.file : undefined
}

/** Opens the hive that a power cut left, and returns what is wrong with it. The fact `hive` is about the hive itself. */
export async function problemOf({ paths, facts }: Disk, hive: string, scratch: string): Promise<string | undefined> {
  await rm(scratch, { recursive: true, force: true })
  await mkdir(scratch)
  for (const [path, content] of paths) {
    if (content === 'directory') await mkdir(join(scratch, path))
    else await writeFile(join(scratch, path), content)
  }
  try {
    const backend = await directoryBackend(join(scratch, hive), { create: !facts.has('hive') })
    const store = new StreamStore(backend)
    try {
      const { problems } = await inspectStore(backend)
      if (problems.length > 0) return problems.join('; ')
      const entries = new LocalHive(store)
      for (const [alias, values] of facts) {
        if (alias === 'hive') continue
        const value = await valueOf(entries, alias)
        if (!values.includes(value)) return `${alias} is ${value}, not ${values.join(' or ')}`
      }
      return undefined
    } finally {
      await store.close()
    }
  } catch (error) {
    return `it cannot be opened: ${(error as Error).message}`
  }
}

async function valueOf(hive: LocalHive, alias: string): Promise<string> {
  try {
    return await new Response((await hive.open(alias)).stream()).text()
  } catch (error) {
    if ((error as Error).name === 'NotFoundError') return '-'
    throw error
  }
}
