import { cpus, release, totalmem } from 'node:os'

/** Returns a line that says when and where a bench runs. */
export function machineLine(): string {
  const memory = (totalmem() / 2 ** 30).toFixed(0)
  return (
    `${new Date().toISOString()}, ${cpus()[0]?.model}, ${cpus().length} cores, ` +
    `${memory} GiB, Linux ${release()}, Node ${process.version}`
  )
}
