// JSON on standard output.
#ifndef FOVEA_CLI_JSON_H
#define FOVEA_CLI_JSON_H

#include <jansson.h>

#include "support/cli.h"
#include "train/metrics.h"

// Prints a value and a line end, and lets go of it; NULL, as jansson's functions give it, means out of memory. `pretty`
// is for people, otherwise it is one line. Returns the exit code.
int cli_json_print(json_t *value, bool pretty);

// A text; of one that is not UTF-8, as names of files may be, malformed bytes become replacement characters.
json_t *cli_json_text(const char *text);

// A number, or null when it is not finite, which JSON cannot say.
json_t *cli_json_number(double number);

// Adds loss and accuracies, `prefix` before their names, to an object (NULL is fine).
void cli_json_metrics(json_t *object, const char *prefix, const fv_metrics *metrics);

#endif
