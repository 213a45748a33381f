const MAX_CHARACTERS = 100

/**
 * Describes a caller's value for the message of an error: briefly, however large the value is, and without running any
 * of its code. A string is quoted; an object is described by its kind, and bytes also by their number.
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') {
    const quoted = JSON.stringify(value.slice(0, MAX_CHARACTERS))
    return value.length > MAX_CHARACTERS ? `${quoted}… (${value.length} characters)` : quoted
  }
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return describeObject(value)
  return shortened(String(value))
}

function describeObject(value: object): string {
  try {
    const kind = `[object ${shortened(kindOf(value))}]`
    return ArrayBuffer.isView(value) ? `${kind} of ${value.byteLength} bytes` : kind
  } catch {
    // A revoked proxy, or one whose traps throw.
    return 'an object'
  }
}

function kindOf(value: object): string {
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)
  const prototype: unknown = tag === 'Object' ? Object.getPrototypeOf(value) : undefined
  if (typeof prototype !== 'object' || prototype === null) return tag
  // Only plain properties are read: a getter would run code.
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  const name: unknown = typeof maker === 'function' && Object.getOwnPropertyDescriptor(maker, 'name')?.value
  return typeof name === 'string' && name !== '' ? name : tag
}

function shortened(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text
}
