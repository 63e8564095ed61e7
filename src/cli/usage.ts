/** Turns an error of commander into one clear message with a suggestion. */
import type { Command, CommanderError } from 'commander'
import { closest } from '../config/closest.ts'
import { WindrowError } from '../errors/index.ts'
import { USAGE } from './report-error.ts'

/** Commander suggests no hidden flags, so the suggestions are computed here. */
export function usageErrorOf(error: CommanderError, command: Command): WindrowError {
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? ''
  const see = `See ${pathOf(command)} --help.`
  switch (error.code) {
    case 'commander.unknownOption': {
      const meant = closest(named.replace(/=.*$/, ''), flagsOf(command))
      return usage(`unknown flag ${named}`, meant === null ? see : `Did you mean ${meant}? ${see}`)
    }
    case 'commander.unknownCommand': {
      const meant = closest(
        named,
        command.commands.map((c) => c.name()),
      )
      return usage(
        `unknown command ${named}`,
        meant === null ? see : `Did you mean ${pathOf(command)} ${meant}? ${see}`,
      )
    }
    case 'commander.optionMissingArgument':
      return usage(`${named} needs a value`, see)
    default:
      return usage(error.message.replace(/^error: /, ''), see)
  }
}

function flagsOf(command: Command): string[] {
  return ['--help', ...command.options.flatMap((option) => option.long ?? [])]
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

function usage(message: string, remedy: string): WindrowError {
  return new WindrowError(message, { code: USAGE, remedy })
}
