// SPDX-License-Identifier: Apache-2.0
#include "support/names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/memory.h"

enum { LONGEST = 63 }; // characters of a name that are compared

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool same(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

// Typing errors between two names: letters inserted, left out, changed, or two neighbours swapped.
static size_t distance(const char *a, const char *b) {
    const size_t rows = strnlen(a, LONGEST), columns = strnlen(b, LONGEST);
    size_t least[LONGEST + 1][LONGEST + 1]; // of the first i and j letters
    for (size_t i = 0; i <= rows; i++) {
        for (size_t j = 0; j <= columns; j++) {
            least[i][j] = i ? i : j;
            if (i && j) {
                const size_t changed = least[i - 1][j - 1] + !same(a[i - 1], b[j - 1]);
                least[i][j] = smaller(changed, smaller(least[i - 1][j], least[i][j - 1]) + 1);
            }
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
                least[i][j] = smaller(least[i][j], least[i - 2][j - 2] + 1);
            }
        }
    }
    return least[rows][columns];
}

const char *cli_nearest(const char *name, const char *const *names) {
    const size_t length = strnlen(name, LONGEST);
    size_t best = length < 3 ? 1 : 1 + length / 3; // about one error in three letters is still worth a guess
    const char *nearest = NULL;
    for (; *names; names++) {
        const size_t errors = distance(name, *names);
        if (errors < best || (errors == best && !nearest)) {
            best = errors;
            nearest = *names;
        }
    }
    return nearest;
}

char *cli_suggest(const char *name, const char *const *names) {
    enum { MOST = 400 }; // characters; more names are cut off
    const char *nearest = cli_nearest(name, names);
    char *text;
    size_t size;
    FILE *out = cli_stream(&text, &size);
    fprintf(out, nearest ? "did you mean '%s'? Known: " : "known: ", nearest);
    for (int i = 0; names[i]; i++) {
        if (ftell(out) + (long)strlen(names[i]) > MOST) {
            fputs(", ...", out);
            break;
        }
        fprintf(out, "%s%s", i ? ", " : "", names[i]);
    }
    fclose(out);
    return text;
}
