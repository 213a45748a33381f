import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bytesSource, DeltaStream, loadSignature, PatchStream, SignatureStream } from 'combstream'
import { fileSource } from 'combstream/backends/directory'
import { type Contest, drain, noise } from './contest.ts'

const execFileAsync = promisify(execFile)

/** Signature, delta and patch of a file with an insertion and 40 small changes, from file to nothing, against rdiff. */
export async function benchRsync(directory: string, byteLength: number): Promise<Contest[]> {
  const path = (name: string): string => join(directory, name)
  const basis = noise(byteLength, 1)
  const middle = Math.floor(byteLength / 2)
  const edited = new Uint8Array(byteLength + 1_000_000)
  edited.set(basis.subarray(0, middle))
  edited.set(noise(1_000_000, 2), middle)
  edited.set(basis.subarray(middle), middle + 1_000_000)
  for (let i = 0; i < 40; i++) edited.set(noise(100, i + 3), Math.floor((edited.byteLength / 41) * (i + 1)))
  await writeFile(path('basis'), basis)
  await writeFile(path('edited'), edited)
  await rdiff('signature', path('basis'), path('signature'))
  await rdiff('delta', path('signature'), path('edited'), path('delta'))

  const signature = await loadSignature(bytesSource(await readFile(path('signature'))).stream())
  const [basisFile, editedFile, deltaFile] = await Promise.all(
    ['basis', 'edited', 'delta'].map((x) => fileSource(path(x))),
  )
  const peerName = 'rdiff, its start and its writing of the result included'
  return [
    {
      what: 'signature',
      peerName,
      ours: () => drain(basisFile!.stream().pipeThrough(new SignatureStream({ sourceLength: byteLength }))),
      peer: () => rdiff('signature', path('basis'), '/dev/null'),
    },
    {
      what: 'delta',
      peerName,
      ours: () => drain(editedFile!.stream().pipeThrough(new DeltaStream(signature))),
      peer: () => rdiff('delta', path('signature'), path('edited'), '/dev/null'),
    },
    {
      what: 'patch',
      peerName,
      ours: () => drain(deltaFile!.stream().pipeThrough(new PatchStream(basisFile!))),
      peer: () => rdiff('patch', path('basis'), path('delta'), '/dev/null'),
    },
  ]
}

async function rdiff(...args: string[]): Promise<void> {
  await execFileAsync('rdiff', ['-f', ...args])
}
