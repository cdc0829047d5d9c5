// SPDX-License-Identifier: Apache-2.0
#include "support/interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static const char *message;

static void on_signal(int number) {
    caught = number;
    // printf is not allowed here
    const ssize_t written = write(STDERR_FILENO, message, strlen(message));
    (void)written;
}

void cli_interrupt_catch(const char *note) {
    message = note;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND}, before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    // A terminal that goes away may send this one twice, and nohup has it ignored.
    action.sa_flags = SA_RESTART;
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        sigaction(SIGHUP, &action, NULL);
    }
}

bool cli_interrupted(void) {
    return caught != 0;
}
