// JSON on standard output.
#ifndef FOVEA_CLI_JSON_H
#define FOVEA_CLI_JSON_H

#include <jansson.h>

#include "cli.h"

// Prints a value and a line end, and lets go of it; NULL, as jansson's functions give it, means out of memory. `pretty`
// is for people, otherwise it is one line. Returns the exit code.
int cli_json_print(json_t *value, bool pretty);

// A number, or null when it is not finite, which JSON cannot say.
json_t *cli_json_number(double number);

#endif
