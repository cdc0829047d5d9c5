// SPDX-License-Identifier: Apache-2.0
// All commands, in the order of `fovea help`. Adding one is a file (or a folder) with a cli_command, and a line here.
#ifndef FOVEA_CLI_COMMANDS_H
#define FOVEA_CLI_COMMANDS_H

#include "support/command.h"

#define CLI_COMMAND_LIST(X)                                                                                            \
    X(train)                                                                                                           \
    X(eval)                                                                                                            \
    X(predict)                                                                                                         \
    X(explain)                                                                                                         \
    X(report)                                                                                                          \
    X(summary)                                                                                                         \
    X(plot)                                                                                                            \
    X(bench)                                                                                                           \
    X(data)                                                                                                            \
    X(cache)                                                                                                           \
    X(import)                                                                                                          \
    X(weights)                                                                                                         \
    X(help)                                                                                                            \
    X(version)

// cli_NAME is defined in NAME.c or NAME/NAME.c.
#define X(name) extern const cli_command cli_##name;
CLI_COMMAND_LIST(X)
#undef X

#endif
