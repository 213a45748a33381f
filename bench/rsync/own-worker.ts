// The process of one of our competitors. It does its job once for each order, and measures itself.
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Measurement } from './competitor.ts'
import { type OwnJob, prepare, type Take } from './own-job.ts'
import { peakMemory } from './peak-memory.ts'

/** Tells the process to do its job. */
export interface Order {
  /** Path of a file for the result, which is discarded if undefined. */
  readonly to?: string
}

const work = await prepare(JSON.parse(process.argv[2]!) as OwnJob)

async function measure(take: Take): Promise<Measurement> {
  const start = performance.now()
  const cpu = process.cpuUsage()
  await work(take)
  const { user, system } = process.cpuUsage(cpu)
  const wallMs = performance.now() - start
  return { cpuMs: (user + system) / 1000, wallMs, peakBytes: peakMemory('self')! }
}

async function write(to: string): Promise<Measurement> {
  const file = openSync(to, 'w')
  try {
    return await measure((chunk) => {
      for (let written = 0; written < chunk.byteLength;) written += writeSync(file, chunk, written)
    })
  } finally {
    closeSync(file)
  }
}

process.on('message', ({ to }: Order) => {
  const done = to === undefined ? measure(() => {}) : write(to)
  done.then(
    (measurement) => process.send!(measurement),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
