// SPDX-License-Identifier: Apache-2.0
// Rows of CSV (RFC 4180).
#ifndef FOVEA_CLI_SUPPORT_CSV_H
#define FOVEA_CLI_SUPPORT_CSV_H

#include <stdbool.h>
#include <stdio.h>

// One field; with commas, quotes or line ends it is quoted. `first`: of its row.
void cli_csv_add(FILE *out, const char *field, bool first);

#endif
