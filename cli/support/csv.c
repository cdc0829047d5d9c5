// SPDX-License-Identifier: Apache-2.0
#include "support/csv.h"

#include <string.h>

void cli_csv_add(FILE *out, const char *field, bool first) {
    const char *quote = strpbrk(field, ",\"\r\n") ? "\"" : "";
    fprintf(out, "%s%s", first ? "" : ",", quote);
    for (; *field; field++) {
        fprintf(out, *field == '"' ? "\"%c" : "%c", *field);
    }
    fputs(quote, out);
}
