// Ctrl-C: the first one asks the work to end in order, the second one ends the program at once.
#include "support/cli.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static const char *message;

static void on_signal(int number) {
    caught = number;
    // printf is not allowed here
    ssize_t written = write(STDERR_FILENO, message, strlen(message));
    (void)written;
}

void cli_interrupt_catch(const char *note) {
    message = note;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void) {
    return caught != 0;
}
