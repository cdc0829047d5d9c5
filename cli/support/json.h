// SPDX-License-Identifier: Apache-2.0
// JSON on standard output.
#ifndef FOVEA_CLI_SUPPORT_JSON_H
#define FOVEA_CLI_SUPPORT_JSON_H

#include <fovea.h>
#include <jansson.h>

#include "support/numbers.h"

// Prints a value and a line end, and lets go of it; NULL, which jansson's functions return where memory ran out, is a
// failure. `pretty` is for people, otherwise it is one line. Returns the exit code.
int cli_json_print(json_t *value, bool pretty);

// A text; where it is not UTF-8, as names of files may be, bytes become replacement characters.
json_t *cli_json_text(const char *text);

// A number, or null where it is not finite, which JSON cannot say.
json_t *cli_json_number(double number);

// A list of sizes.
json_t *cli_json_shape(const cli_shape *shape);

// Adds loss and accuracies, with `prefix` before their names.
void cli_json_metrics(json_t *object, const char *prefix, const fv_metrics *metrics);

#endif
