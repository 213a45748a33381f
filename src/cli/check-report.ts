import { entryOfReference, signatureOfReference } from '../hive/alias-references.ts'
import type { DamagedStream, ScrubReport } from '../store/scrubbing/scrub-report.ts'
import { formatBytes } from './byte-size.ts'
import { count } from './count.ts'
import { printable } from './printable.ts'

/** An entry whose row is damaged, or does not describe the stream that it names. */
export interface DamagedEntry {
  readonly alias: string
  /** What is wrong with the row. */
  readonly damage: string
}

/** What `comb check` found. */
export interface CheckedHive {
  readonly report: ScrubReport
  readonly damagedEntries: readonly DamagedEntry[]
}

/** What a damaged stream is used for. */
interface StreamUse {
  /** The entries that have its bytes. */
  readonly entries: string[]
  /** The entries that have it as their signature. */
  readonly signaturesOf: string[]
}

/** Describes what was found in lines for people. */
export function checkReportLines({ report, damagedEntries }: CheckedHive, repair: boolean): string[] {
  const { checked, damaged, orphans, moved } = report
  const lines: string[] = []
  for (const { alias, damage } of damagedEntries) lines.push(`damaged: ${printable(alias)}`, `  ${printable(damage)}`)
  for (const stream of damaged.list) lines.push(...streamLines(stream))
  const unlisted = damaged.streams - damaged.list.length
  if (unlisted > 0) lines.push(`damaged: ${count(unlisted, 'more stream')}`)
  const read = `${count(checked.streams, 'stream')} with ${count(checked.blocks, 'block')}, ${formatBytes(checked.bytes)}`
  const isWhole = damaged.streams === 0 && damagedEntries.length === 0
  lines.push(`checked ${read}: ${isWhole ? 'no damage' : `${damaged.streams} damaged`}`)
  if (repair && damaged.marked > 0)
    lines.push(`marked ${count(damaged.marked, 'stream')}: storing the same content again repairs it`)
  if (orphans.count > 0) {
    const unused = `${count(orphans.count, 'block')}, ${formatBytes(orphans.bytes)}`
    lines.push(`found ${unused}, that nothing uses`)
    if (moved.until) lines.push(`moved them to the trash: comb gc deletes them from ${moved.until.toISOString()} on`)
    else if (repair) lines.push('left them, because rows that cannot be read may name them')
  }
  return lines.map((line) => `${line}\n`)
}

function streamLines(stream: DamagedStream): string[] {
  const { id, error, damagedBlocks, moreReferences } = stream
  const { entries, signaturesOf } = useOf(stream)
  const names = [...entries.map(printable), ...signaturesOf.map((alias) => `the signature of ${printable(alias)}`)]
  if (names.length === 0) names.push(`the stream ${id}`)
  if (moreReferences) names.push('and more that use the same stream')
  const others =
    damagedBlocks > 1 ? `, and so ${damagedBlocks === 2 ? 'is' : 'are'} ${count(damagedBlocks - 1, 'more block')}` : ''
  return [...names.map((name) => `damaged: ${name}`), `  ${printable(error.message)}${others}`]
}

/** What was found as an object for JSON; docs/comb.md describes its fields. */
export function checkReportToJson({ report, damagedEntries }: CheckedHive): unknown {
  const { objects, checked, damaged, orphans, moved, problems } = report
  const { list, ...counts } = damaged
  return {
    objects,
    checked,
    damaged: counts,
    damagedEntries,
    damagedStreams: list.map((stream) => ({
      id: stream.id,
      message: stream.error.message,
      damagedBlocks: stream.damagedBlocks,
      blocks: stream.blocks,
      ...useOf(stream),
      moreReferences: stream.moreReferences,
      marked: stream.marked,
    })),
    orphans,
    moved: { ...moved, until: moved.until?.toISOString() ?? null },
    problems: problems.map(({ message }) => message),
  }
}

/** The entries that a damaged stream is used for, as far as its references are listed. */
export function useOf({ references }: DamagedStream): StreamUse {
  const ofAliases = references.filter(({ owner }) => owner === 'alias')
  return {
    entries: ofAliases.flatMap(({ reference }) => entryOfReference(reference) ?? []),
    signaturesOf: ofAliases.flatMap(({ reference }) => signatureOfReference(reference) ?? []),
  }
}
