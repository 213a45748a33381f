/** What a page asks the worker that writes files: to write a whole file, which then gets this name. */
export interface WriteRequest {
  readonly number: number
  readonly file: FileSystemFileHandle
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What the worker answers. */
export type WriteReply =
  /** It has begun to listen, and holds a Web Lock of this name for as long as it lives. */
  | { readonly kind: 'ready'; readonly lock: string }
  /** It has done so, or has failed, and gives the memory back. */
  | {
      readonly kind: 'done'
      readonly number: number
      readonly bytes: Uint8Array<ArrayBuffer>
      readonly failure?: { readonly name: string; readonly message: string }
    }
