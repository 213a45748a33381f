/** What a page asks the worker that writes files: to write a new file in a directory. */
export interface WriteRequest {
  readonly number: number
  /** Stands for the directory, which the worker knows if it is not given. */
  readonly slot: number
  readonly directory?: FileSystemDirectoryHandle
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What the worker answers. */
export type WriteReply =
  /** It has begun to listen, and holds a Web Lock of this name for as long as it lives. */
  | { readonly kind: 'ready'; readonly lock: string }
  /** It has written the file, found one with bytes there, or failed. It gives the memory back. */
  | {
      readonly kind: 'done'
      readonly number: number
      readonly bytes: Uint8Array<ArrayBuffer>
      readonly outcome: 'written' | 'exists' | { readonly name: string; readonly message: string }
    }
