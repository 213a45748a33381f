import { SIGNATURE_HEADER_BYTES, WEAK_SUM_BYTES } from '../rsync/wire-format.ts'
import type { Signature } from '../rsync/signature.ts'
import type { DeltaStatistics, JobStatistics, PatchStatistics, SignatureStatistics } from '../rsync/statistics.ts'

const BYTES_PER_MB = 1_000_000

/** The statistics of a signature job, in librsync's format. */
export function signatureLine(statistics: SignatureStatistics): string {
  return statisticsLine('signature', blockCounts(statistics.signatureBlocks, statistics.blockLength), statistics)
}

/** The statistics of loading a signature. */
export function loadLine(
  { blockCount, blockLength, strongLength }: Signature,
  times: Pick<JobStatistics, 'startTime' | 'endTime'>,
): string {
  const inputBytes = SIGNATURE_HEADER_BYTES + blockCount * (WEAK_SUM_BYTES + strongLength)
  return statisticsLine('loadsig', blockCounts(blockCount, blockLength), { ...times, inputBytes, outputBytes: 0 })
}

/** The statistics of a delta job. */
export function deltaLine(statistics: DeltaStatistics): string {
  return statisticsLine('delta', commandCounts(statistics, statistics.falseMatches), statistics)
}

/** The statistics of a patch job. */
export function patchLine(statistics: PatchStatistics): string {
  return statisticsLine('patch', commandCounts(statistics, 0), statistics)
}

function blockCounts(count: number, blockLength: number): string {
  return count > 0 ? `signature[${count} blocks, ${blockLength} bytes per block]` : ''
}

function commandCounts(statistics: PatchStatistics, falseMatches: number): string {
  const { literalCommands, literalBytes, literalCommandBytes, copyCommands, copyBytes, copyCommandBytes } = statistics
  let text = ''
  if (literalCommands > 0) {
    text += `literal[${literalCommands} cmds, ${literalBytes} bytes, ${literalCommandBytes} cmdbytes] `
  }
  if (copyCommands > 0 || falseMatches > 0) {
    text += `copy[${copyCommands} cmds, ${copyBytes} bytes, ${copyCommandBytes} cmdbytes, ${falseMatches} false]`
  }
  return text
}

function statisticsLine(job: string, counts: string, statistics: JobStatistics): string {
  const { inputBytes, outputBytes, startTime = 0, endTime = startTime } = statistics
  const seconds = Math.max(1, Math.round((endTime - startTime) / 1000))
  const speed = (bytes: number): string => {
    const megabytes = bytes / BYTES_PER_MB
    return `${megabytes.toFixed(1)} MB (${(megabytes / seconds).toFixed(1)} MB/s)`
  }
  return `librsync: ${job} statistics: ${counts} speed[${speed(inputBytes)} in, ${speed(outputBytes)} out, ${seconds} sec]\n`
}
