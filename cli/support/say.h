// SPDX-License-Identifier: Apache-2.0
// Messages, on standard error: "fovea: sentence".
#ifndef FOVEA_CLI_SUPPORT_SAY_H
#define FOVEA_CLI_SUPPORT_SAY_H

#include <fovea.h>

#include "support/command.h"
#include "support/exit.h"

void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Says why the library failed; returns the exit code that belongs to its status.
int cli_fail(const fv_error *error);

// The exit code of a call of the library, after its sentence if it failed.
int cli_check(fv_status status, const fv_error *error);

// A wrong command line: the sentence, how it should be, and exit code 2. NULL: it names no command.
int cli_usage(const cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
