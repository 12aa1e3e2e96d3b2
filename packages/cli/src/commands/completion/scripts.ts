/** For each shell, the script that asks the command for the words that may follow. */
export const scripts = {
  bash: `_lever() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(lever completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _lever lever`,
  zsh: `_lever() {
  local -a found
  found=("\${(@f)$(lever completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found
}
compdef _lever lever`,
  fish: `complete -c lever -f -a '(lever completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
complete -c lever -n '__fish_seen_subcommand_from deploy dev init backup restore' -F`,
} as const;
