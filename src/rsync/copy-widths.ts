import { OP_COPY_N1_N1 } from './wire-format.ts'

/** How many bytes the position and the length of a copy command take, by its opcode. */
export function copyWidths(opcode: number): { positionWidth: number; lengthWidth: number } {
  const widths = opcode - OP_COPY_N1_N1
  return { positionWidth: 1 << (widths >> 2), lengthWidth: 1 << (widths & 3) }
}
