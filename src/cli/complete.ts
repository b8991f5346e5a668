import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** Adds `complete`: the script with which a shell completes commands and options, and what that script asks for. */
export function registerComplete(program: Command): void {
  tab(program);
  program.commands.find((command) => command.name() === 'complete')?.addHelpText('after', EXAMPLES);
}

const EXAMPLES = `
Example:
  source <(resonnx complete zsh)       # or bash
  resonnx complete fish | source
  resonnx complete powershell | Out-String | Invoke-Expression

Exit codes: 0 done, 2 wrong usage`;
