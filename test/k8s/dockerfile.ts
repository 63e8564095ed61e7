/** Rules for a Dockerfile, similar to those of hadolint. An instruction is a keyword and the rest of its logical line. */
export interface Instruction {
  readonly name: string
  readonly rest: string
}

export function parseDockerfile(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split(/\s+/)
      return { name: name.toUpperCase(), rest: rest.join(' ') }
    })
}

/** `exists` returns whether a path is in the build context. */
export const DOCKER_RULES: Readonly<
  Record<string, (instructions: readonly Instruction[], exists: (path: string) => boolean) => string[]>
> = {
  'pinned-base': (all) =>
    of(all, 'FROM')
      .map((rest) => rest.split(' ')[0] ?? '')
      .filter((image) => !/:v?\d+\.\d+(\.\d+)?[^/:]*$|@sha256:[0-9a-f]{64}$/.test(image))
      .map((image) => `${image} is not pinned`),
  'multi-stage': (all) => (of(all, 'FROM').length > 1 ? [] : ['the final stage contains build tools']),
  'non-root': (all) => {
    const user = of(finalStage(all), 'USER').at(-1)
    return user !== undefined && /^[1-9]\d*(:[1-9]\d*)?$/.test(user)
      ? []
      : [`runs as ${user ?? 'root'}, not as a user id above 0`]
  },
  'exec-form': (all) =>
    [...of(all, 'ENTRYPOINT'), ...of(all, 'CMD')]
      .filter((rest) => !rest.startsWith('['))
      .map((rest) => `${rest} needs a shell`),
  'named-copies': (all) =>
    of(all, 'COPY')
      .filter((rest) => /^(--\S+ )*\.\/? /.test(rest))
      .map((rest) => `COPY ${rest} copies all files of the context`),
  'copies-exist': (all, exists) =>
    of(all, 'COPY')
      .filter((rest) => !rest.startsWith('--from='))
      .flatMap((rest) => rest.split(' ').slice(0, -1))
      .filter((path) => !exists(path))
      .map((path) => `${path} is not in the context`),
  'no-add': (all) => of(all, 'ADD').map((rest) => `ADD ${rest} may download or unpack: use COPY`),
  'locked-packages': (all) =>
    of(all, 'RUN')
      .filter(
        (rest) =>
          /npm (i|install)\b|\bcurl\b|\bwget\b/.test(rest) || (/npm ci/.test(rest) && !/--ignore-scripts/.test(rest)),
      )
      .map((rest) => `RUN ${rest} installs packages without a lock file`),
  'no-secrets': (all) =>
    [...of(all, 'ENV'), ...of(all, 'ARG')]
      .filter((rest) => /password|secret|token|apikey/i.test(rest))
      .map((rest) => `${rest} stays in the image`),
}

export function dockerProblems(text: string, exists: (path: string) => boolean): string[] {
  const instructions = parseDockerfile(text)
  return Object.entries(DOCKER_RULES).flatMap(([rule, check]) =>
    check(instructions, exists).map((one) => `${rule}: ${one}`),
  )
}

function of(instructions: readonly Instruction[], name: string): string[] {
  return instructions.filter((one) => one.name === name).map(({ rest }) => rest)
}

function finalStage(instructions: readonly Instruction[]): readonly Instruction[] {
  return instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'))
}
