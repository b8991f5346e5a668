import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** Adds `complete`: the script with which a shell completes commands and options, and what that script asks for. */
export function registerComplete(program: Command): void {
  tab(program);
}
