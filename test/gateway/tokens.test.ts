import { expect, test } from 'vitest'
import { clientOf, parseTokens } from '../../src/gateway/tokens.ts'

const FILE = '# who may write\nalpha 0123456789abcdef\n\n  beta   fedcba9876543210== \r\n'

test('each line is a client, identified by its token only', () => {
  const { clients, problems } = parseTokens(FILE)
  expect(problems).toEqual([])
  expect(clientOf('Bearer 0123456789abcdef', clients)?.name).toBe('alpha')
  expect(clientOf('bearer  fedcba9876543210==', clients)?.name).toBe('beta')
})

test.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  '0123456789abcdef',
  'Bearer 0123456789abcde',
  'Bearer alpha',
  'Bearer a b',
])('the header %j authenticates no client', (header) => {
  expect(clientOf(header, parseTokens(FILE).clients)).toBeNull()
})

test('all problems of a file are reported, and no message contains a token', () => {
  const { problems } = parseTokens(
    'alone\na short\nb 0123456789abcdef\nb 0123456789abcdeg\nc 0123456789äbcdef\nd 1 2\n',
  )
  expect(problems).toEqual([
    'line 1 is not a name and a token',
    'line 2 gives a a token of fewer than 16 characters',
    'line 4 names b a second time',
    'line 5 gives c a token with characters that a header cannot carry',
    'line 6 is not a name and a token',
  ])
  expect(parseTokens('# no client\n').problems).toEqual(['the file names no client'])
})
