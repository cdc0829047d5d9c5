// SPDX-License-Identifier: Apache-2.0
#include "support/say.h"

#include <stdio.h>

#include "support/progress.h"
#include "support/text.h"

static void say(const char *format, va_list arguments) {
    fflush(stdout); // what was printed before comes first
    cli_progress_wipe();
    cli_line_list(stderr, "fovea: ", format, arguments);
}

void cli_say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

int cli_fail(const fv_error *error) {
    cli_say("%s", error->message);
    return error->status == FV_INTERRUPTED ? CLI_INTERRUPTED : CLI_FAILED;
}

int cli_check(fv_status status, const fv_error *error) {
    return status == FV_OK ? CLI_OK : cli_fail(error);
}

int cli_usage(const cli_command *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    if (command) {
        char name[CLI_COMMAND_NAME];
        cli_command_print_usage(command, stderr);
        fprintf(stderr, "`fovea %s --help` explains it.\n", cli_command_name(command, name));
    } else {
        fputs("`fovea help` lists the commands.\n", stderr);
    }
    return CLI_USAGE;
}
