// SPDX-License-Identifier: Apache-2.0
// Signals that ask the program to end: Ctrl-C (SIGINT), SIGTERM, and SIGHUP, which a terminal sends when it is closed.
#ifndef FOVEA_CLI_SUPPORT_INTERRUPT_H
#define FOVEA_CLI_SUPPORT_INTERRUPT_H

#include <stdbool.h>

// From now on the first signal is only noted, so that the work can end in order, and `note` goes to standard error; the
// second SIGINT or SIGTERM kills.
void cli_interrupt_catch(const char *note);
bool cli_interrupted(void);

#endif
