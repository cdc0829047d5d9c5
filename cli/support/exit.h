// SPDX-License-Identifier: Apache-2.0
// Exit codes, and the one way to pass them on.
#ifndef FOVEA_CLI_SUPPORT_EXIT_H
#define FOVEA_CLI_SUPPORT_EXIT_H

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_LEFT_OUT = 3, CLI_INTERRUPTED = 130 };

// Returns from the function unless the exit code is CLI_OK.
#define CLI_TRY(expression)                                                                                            \
    do {                                                                                                               \
        const int tried = (expression);                                                                                \
        if (tried != CLI_OK) {                                                                                         \
            return tried;                                                                                              \
        }                                                                                                              \
    } while (0)

// The same where something has to be released: sets the function's `code` and goes to its label `done`.
#define CLI_TRY_OR_DONE(expression)                                                                                    \
    do {                                                                                                               \
        code = (expression);                                                                                           \
        if (code != CLI_OK) {                                                                                          \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

#endif
