import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Contest } from './contest.ts'
import { noise } from './noise.ts'
import { WholeProcess } from './rsync/whole-process.ts'

const COMB = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const WRITE_BLOCKS = fileURLToPath(new URL('./write-blocks.mjs', import.meta.url))

/** `comb put` of noise, measured as whole processes, including their start. */
export async function putContest(directory: string, byteLength: number): Promise<Contest> {
  const [source, hive, files] = ['noise', 'put-hive', 'put-files'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  await mkdir(directory, { recursive: true })
  await writeFile(source, noise(byteLength, 1))
  const node = process.execPath
  const put = new WholeProcess([node, COMB, 'put', '--no-progress', hive, 'noise', source], hive)
  const peer = new WholeProcess(
    [
      'bash',
      '-c',
      'openssl dgst -sha256 "$1" > /dev/null && "$2" "$3" "$1" "$4"',
      'bash',
      source,
      node,
      WRITE_BLOCKS,
      files,
    ],
    files,
  )
  return {
    what: '`comb put`, whole process',
    peerName: '`openssl dgst -sha256`, then a program that writes and fsyncs the blocks',
    amount: byteLength / 1e6,
    unit: 'MB',
    target: 0.8,
    ours: () => put.run(),
    peer: () => peer.run(),
  }
}
