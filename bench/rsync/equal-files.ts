import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

/** Whether two files have the same contents. */
export async function equalFiles(first: string, second: string): Promise<boolean> {
  const [a, b] = [await digestOf(first), await digestOf(second)]
  return a === b
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}
