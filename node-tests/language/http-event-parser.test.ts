import { describe, expect, it } from 'vitest'
import { EventParser, type SentEvent } from '../../src/http/client/event-parser.ts'
import { rejection } from '../support/streams.ts'

function parse(text: string, size: number): { events: SentEvent[]; id: string | undefined } {
  const bytes = new TextEncoder().encode(text)
  const parser = new EventParser()
  const events: SentEvent[] = []
  for (let i = 0; i < bytes.byteLength; i += size) events.push(...parser.push(bytes.subarray(i, i + size)))
  return { events, id: parser.lastEventId }
}

const message = (data: string): SentEvent => ({ type: 'message', data })

// The examples of the HTML standard, section 9.2.6, and what it says besides.
const CASES: Record<string, { text: string; events: SentEvent[]; id?: string }> = {
  'two lines of data': { text: 'data: YHOO\ndata: +2\ndata: 10\n\n', events: [message('YHOO\n+2\n10')] },
  'comments, ids and a space that is part of the data': {
    text: ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
    events: [message('first event'), message('second event'), message(' third event')],
    id: '',
  },
  'empty data, and an event that is not complete': {
    text: 'data\n\ndata\ndata\n\ndata:',
    events: [message(''), message('\n')],
  },
  'a type of an event': {
    text: 'event: add\ndata: 7\n\ndata: 8\n\n',
    events: [{ type: 'add', data: '7' }, message('8')],
  },
  'an id without an event': { text: 'id: 5\n\nid: 6\n', events: [], id: '5' },
  'an id that stays': { text: 'id: 5\ndata: a\n\ndata: b\n\n', events: [message('a'), message('b')], id: '5' },
  'an id with a NUL': { text: 'id: 5\n\nid: a\0b\n\n', events: [], id: '5' },
  'fields that are not known': { text: 'retry: 7\nother: x\ndata: a\n\n', events: [message('a')] },
  'a byte order mark, and letters of four bytes': { text: '\ufeffdata: ä 🐝\n\n', events: [message('ä 🐝')] },
}

describe('EventParser', () => {
  for (const [title, { text, events, id }] of Object.entries(CASES)) {
    it(`parses ${title}, in pieces of any size, with any ends of lines`, () => {
      for (const end of ['\n', '\r\n', '\r']) {
        for (const size of [1, 2, 3, 7, 1_000]) {
          expect(parse(text.replaceAll('\n', end), size), `${JSON.stringify(end)}, ${size}`).toEqual({ events, id })
        }
      }
    })
  }

  it('refuses an event that is too long, in one line or in many', async () => {
    const line = `data: ${'x'.repeat(50_000)}`
    for (const text of [line + 'x'.repeat(50_000), `${line}\n${line}\n`]) {
      const error = await rejection(new Promise((resolve) => resolve(parse(text, 1_000))))
      expect(error).toMatchObject({ name: 'FormatError', reason: 'limit' })
    }
  })
})
