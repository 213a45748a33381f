import { execFile } from 'node:child_process'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { equalBytes } from '../src/bytes/byte-order.ts'
import { type Lz4, loadLz4 } from '../src/store/codecs/lz4.ts'
import { median } from './median.ts'
import { noise } from './noise.ts'
import { writeTarPair } from './rsync/tar-pair.ts'

const BLOCK_BYTES = 1_000_000
const BLOCKS = 8
/** Like `lz4 -b`, we repeat the work for this long and report the fastest pass. */
const ROUND_MS = 1000

const TARGET_IN = 0.7
const TARGET_OUT = 0.4

/** Speeds in MB/s of content, and the size after compression in bytes. */
interface Speeds {
  readonly in: number
  readonly out: number
  readonly compressed: number
}

/**
 * Prints a table of the codec of blocks against `lz4 -b1`, which compresses and decompresses the same blocks in memory.
 * Our times include the copies in and out of WebAssembly, and the frame. Those of lz4 do not.
 */
export async function benchLz4(directory: string, rounds: number): Promise<void> {
  console.log(`\nLZ4, ${BLOCKS} blocks of ${BLOCK_BYTES} bytes, fastest pass in a second, median of ${rounds} rounds\n`)
  console.log('| content | | combstream, MB/s | lz4 -b1, MB/s | ratio | target |\n|---|---|---|---|---|---|')
  const lz4 = await loadLz4()
  for (const [name, content] of await contents(directory)) {
    const path = join(directory, 'content')
    await writeFile(path, content)
    const ours: Speeds[] = []
    const theirs: Speeds[] = []
    for (let round = 0; round < rounds; round++) {
      ours.push(runOurs(lz4, content))
      theirs.push(await runLz4(path))
    }
    for (const [side, target] of [
      ['in', TARGET_IN],
      ['out', TARGET_OUT],
    ] as const) {
      const [own, peer] = [ours, theirs].map((speeds) => median(speeds.map((each) => each[side]))) as [number, number]
      console.log(
        `| ${name} | ${side} | ${own.toFixed(0)} | ${peer.toFixed(0)} | ${(own / peer).toFixed(2)} | ${target} |`,
      )
    }
    const [own, peer] = [ours[0]!.compressed, theirs[0]!.compressed].map((bytes) => bytes / content.byteLength)
    console.log(`| ${name} | size | ${own!.toFixed(3)} | ${peer!.toFixed(3)} | | |`)
  }
}

async function contents(directory: string): Promise<[name: string, bytes: Uint8Array][]> {
  const byteLength = BLOCKS * BLOCK_BYTES
  const tar = join(directory, 'old.tar')
  writeTarPair('node_modules', [tar, join(directory, 'new.tar')], byteLength)
  const program = new Uint8Array(byteLength)
  const file = await open(process.execPath)
  await file.read(program, 0, byteLength)
  await file.close()
  return [
    ['tar of source text', new Uint8Array(await readFile(tar))],
    ['machine code of Node', program],
    ['noise', noise(byteLength, 1)],
  ]
}

function runOurs(lz4: Lz4, content: Uint8Array): Speeds {
  const blocks = Array.from({ length: BLOCKS }, (_, index) =>
    content.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES),
  )
  const frames = blocks.map((block) => lz4.compress(block, Infinity)!)
  frames.forEach((frame, index) => {
    if (!equalBytes(lz4.decompress(frame, BLOCK_BYTES), blocks[index]!))
      throw new Error('a block differs after decompression')
  })
  return {
    in: fastest(() => blocks.forEach((block) => lz4.compress(block, Infinity)), content.byteLength),
    out: fastest(() => frames.forEach((frame) => lz4.decompress(frame, BLOCK_BYTES)), content.byteLength),
    compressed: frames.reduce((sum, frame) => sum + frame.byteLength, 0),
  }
}

/** Returns the speed of the fastest pass in a second, in MB/s. */
function fastest(pass: () => void, byteLength: number): number {
  let best = Infinity
  for (const end = performance.now() + ROUND_MS; performance.now() < end;) {
    const start = performance.now()
    pass()
    best = Math.min(best, performance.now() - start)
  }
  return byteLength / 1000 / best
}

async function runLz4(path: string): Promise<Speeds> {
  const { stderr, stdout } = await promisify(execFile)('lz4', ['-b1', '-i1', `-B${BLOCK_BYTES}`, path])
  // The last line has all figures: "32000000 -> 8000000 (4.000), 600.0 MB/s ,4000.0 MB/s".
  const lines = [...`${stderr}${stdout}`.matchAll(/-> *(\d+) \([\d.]+\), *([\d.]+) MB\/s *, *([\d.]+) MB\/s/g)]
  const [, compressed, speedIn, speedOut] = lines.at(-1) ?? []
  if (compressed === undefined) throw new Error(`lz4 -b1 printed ${stderr}${stdout}`)
  return { in: Number(speedIn), out: Number(speedOut), compressed: Number(compressed) }
}
