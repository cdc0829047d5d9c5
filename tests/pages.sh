#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Help, man page and shell completion, which all come from the tables of the commands.
#   pages.sh PROGRAM
set -euo pipefail
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
PATH=$(dirname "$program"):$PATH

fovea help --man >"$folder/fovea.1"
if command -v man >/dev/null; then
    LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$folder/fovea.1" 2>"$folder/warnings" >/dev/null
    [ ! -s "$folder/warnings" ] || { cat "$folder/warnings" && exit 1; }
fi

# Every command has its own page, with a usage line and an example.
commands=$(fovea help --json | sed -n 's/^ *"name": "\([a-z]*\)",\{0,1\}$/\1/p' | sort -u)
count=0
for command in train eval predict explain report summary plot bench import 'data list' 'data show' 'data check' \
    'data get' 'cache list' 'cache clear' 'weights list' 'weights get' 'weights check'; do
    for word in $command; do
        grep -qx "$word" <<<"$commands" || { echo "pages: help --json does not know '$word'" && exit 1; }
    done
    # shellcheck disable=SC2086
    page=$(fovea $command --help)
    grep -q "^usage: fovea $command" <<<"$page" || { echo "pages: $command --help has no usage line" && exit 1; }
    grep -q "^ *fovea $command" <<<"$page" || { echo "pages: $command --help has no example" && exit 1; }
    count=$((count + 1))
done

# Completion in a real bash; for the other shells their own syntax check, where they are there.
fovea help --completion bash >"$folder/fovea.bash"
offered=$(bash -c 'source "$1"; COMP_WORDS=(fovea tr); COMP_CWORD=1; COMP_LINE="fovea tr"; COMP_POINT=8
    $(complete -p fovea | sed "s/.*-F \([^ ]*\).*/\1/") fovea tr fovea; echo "${COMPREPLY[@]}"' - "$folder/fovea.bash")
[ "${offered// /}" = train ] || { echo "pages: bash completes 'fovea tr' to '$offered'" && exit 1; }
fovea help --completion zsh >"$folder/_fovea"
fovea help --completion fish >"$folder/fovea.fish"
if command -v zsh >/dev/null; then zsh -n "$folder/_fovea"; fi
if command -v fish >/dev/null; then fish --no-execute "$folder/fovea.fish"; fi
echo "pages: $count commands, a man page and three completions"
