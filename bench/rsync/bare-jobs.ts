import { DeltaJob, loadKernel, PatchJob, SignatureJob } from 'combstream'
import type { ChainInput } from './chain.ts'
import { STAGE_BYTES, Stage } from './stage.ts'

type Take = (chunk: Uint8Array) => void

/** The chain without streams: its jobs called one after the other, on buffers of the same size. */
export async function bareChain({ signature, basis, edited }: ChainInput, take: Take): Promise<void> {
  const kernel = await loadKernel()
  const sign = new Stage(new SignatureJob(kernel, { sourceLength: edited.byteLength }), take)
  const patch = patchStage(basis, (chunk) => sign.write(chunk))
  const delta = new Stage(new DeltaJob(signature, kernel), (chunk) => patch.write(chunk))
  feed(delta, edited)
  for (const stage of [delta, patch, sign]) stage.end()
}

/** A patch without streams. */
export function barePatch(basis: Uint8Array, delta: Uint8Array, take: Take): void {
  const patch = patchStage(basis, take)
  feed(patch, delta)
  patch.end()
}

/** Supplies views of the basis, at most 256 KiB each. Nothing is copied. */
function patchStage(basis: Uint8Array, take: Take): Stage {
  const job = new PatchJob(basis.byteLength)
  return new Stage(job, take, () => {
    const { position, length } = job.request!
    job.supply(basis.subarray(position, position + Math.min(length, STAGE_BYTES)))
  })
}

function feed(stage: Stage, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.byteLength; offset += STAGE_BYTES) {
    stage.write(bytes.subarray(offset, offset + STAGE_BYTES))
  }
}
