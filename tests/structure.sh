#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The structure that docs/design.md promises, held against the sources and the program as built:
#   - a folder of src/ includes its own headers, those of folders in its row of "Who may know whom", and what these may
#     know in turn; no row leads back to itself;
#   - the program includes fovea.h and its own headers alone, links to the shared library, and asks it for no internal
#     symbol;
#   - the header's example is a program.
#   structure.sh SOURCE_DIR PROGRAM COMPILER
set -eu
source=$1 program=$2 compiler=$3
failed=0
complain() {
    echo "structure: $*"
    failed=1
}

# "room allowed allowed ..." for every row, the closure of what the rows say.
rooms=$(sed -n '/^## Who may know whom/,/^## /p' "$source/docs/design.md" | sed -n 's#^src/\([a-z]*\)/.*→ *\(.*\)$#\1 \2#p; s#^src/\([a-z]*\)/[^→]*$#\1#p' | tr -d ',' |
    awk '{ names[NR] = $1; for (i = 2; i <= NF; i++) may[$1, $i] = 1 }
         END { for (k = 1; k <= NR; k++) for (i = 1; i <= NR; i++) for (j = 1; j <= NR; j++)
                   if ((names[i], names[k]) in may && (names[k], names[j]) in may) may[names[i], names[j]] = 1
               for (i = 1; i <= NR; i++) { line = names[i]
                   for (j = 1; j <= NR; j++) if ((names[i], names[j]) in may) line = line " " names[j]
                   print line } }')
[ -n "$rooms" ] || complain "docs/design.md has no table of rooms"
for folder in "$source"/src/*/; do
    room=$(basename "$folder")
    allowed=$(echo "$rooms" | sed -n "s/^$room\\b *//p")
    echo "$rooms" | grep -q "^$room\\b" || complain "src/$room has no row in docs/design.md"
    case " $allowed " in *" $room "*) complain "the rows of docs/design.md lead from $room back to itself" ;; esac
    for other in $(cat "$folder"*.[ch] | sed -n 's/^#include "\([a-z_]*\)\/.*/\1/p' | sort -u); do
        [ "$other" = "$room" ] && continue
        case " $allowed " in *" $other "*) ;; *) complain "src/$room includes $other/, which its row does not allow" ;; esac
    done
done

for file in "$source"/cli/*.[ch] "$source"/cli/*/*.[ch]; do
    for header in $(sed -n 's/^#include "\(.*\)"$/\1/p' "$file"); do
        [ -e "$source/cli/$header" ] || [ -e "$(dirname "$file")/$header" ] ||
            complain "${file#"$source/"} includes $header: the program may include fovea.h and its own headers alone"
    done
done
internal=$(nm -u "$program" | grep -o 'fv__[a-z_0-9]*' || true)
[ -z "$internal" ] || complain "the program asks for internal symbols: $internal"
readelf -d "$program" | grep -q 'NEEDED.*libfovea\.so' || complain "the program does not link to libfovea.so"

# The example at the head of the header.
sed -n '/#include <fovea.h>/,/^\/\/     }$/s/^\/\/     \{0,1\}//p' "$source/include/fovea.h" |
    "$compiler" -std=c17 -Wall -Wextra -Werror -I"$source/include" -fsyntax-only -x c - ||
    complain "the example at the head of fovea.h does not compile"

[ $failed = 0 ] && echo "structure: $(echo "$rooms" | wc -l) rooms know whom they may, and the program is a client of the library"
exit $failed
