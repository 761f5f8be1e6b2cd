# Steps and commands: each command is printed in a dry run and run otherwise; a failure ends the script with advice.
# shellcheck shell=bash

IS_DRY_RUN=false
STEP=""
ADVICE=""
trap on_exit EXIT
exec 3>&1 # the terminal, also inside of $(...)

# begin STEP ADVICE: a step begins; ADVICE is what to do where it fails.
begin() {
  STEP=$1
  ADVICE=$2
  say "" "== $STEP"
}

say() {
  printf '%s\n' "$@" >&3
}

# note TEXT: why the next command is perhaps not run; only a dry run needs to know.
note() {
  ! $IS_DRY_RUN || say "  # $1:"
}

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

on_exit() {
  local code=$?
  ((code == 0)) || [[ -z $STEP ]] || {
    printf '\n%s\n' "Stopped at: $STEP." >&2
    roll_back_chart || true
    printf '%s\n' "$ADVICE" "Then give the same command again: what is done already is not done again." >&2
  }
}

# run COMMAND...: runs a command. A word '|' begins the next command of a pipeline; '>' FILE at the end names its output.
run() {
  if $IS_DRY_RUN; then
    say "  $(as_typed "$@")"
  else
    execute "$@"
  fi
}

# output_of STAND_IN COMMAND...: what a command writes; in a dry run the stand-in.
output_of() {
  local stand_in=$1
  shift
  if $IS_DRY_RUN; then
    say "  $(as_typed "$@")"
    printf '%s\n' "$stand_in"
  else
    execute "$@"
  fi
}

execute() {
  local command=()
  while (($# > 0)) && [[ $1 != '|' && $1 != '>' ]]; do
    command+=("$1")
    shift
  done
  case ${1:-} in
    '|') "${command[@]}" | execute "${@:2}" ;;
    '>') "${command[@]}" > "$2" ;;
    *) "${command[@]}" ;;
  esac
}

as_typed() {
  local word words=()
  for word in "$@"; do
    if [[ $word == '|' || $word == '>' || $word =~ ^[A-Za-z0-9_./:=,@%+\<\>-]+$ ]]; then
      words+=("$word")
    else
      words+=("'${word//\'/\'\\\'\'}'")
    fi
  done
  printf '%s\n' "${words[*]}"
}
