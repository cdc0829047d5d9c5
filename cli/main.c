// SPDX-License-Identifier: Apache-2.0
// The program `fovea`: finds the command, runs it, and makes sure that what was printed arrived.
#include <errno.h>
#include <locale.h>
#include <string.h>

#include "commands.h"
#include "support/say.h"

const cli_command *const cli_commands[] = {
#define X(name) &cli_##name,
    CLI_COMMAND_LIST(X)
#undef X
        NULL};

// `fovea --help` and `fovea --version` are what people try first.
static const char *alias(const char *word) {
    static const char *const aliases[][2] = {
        {"--help", "help"}, {"-h", "help"}, {"--version", "version"}, {"-V", "version"}};
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcmp(word, aliases[i][0]) == 0) {
            return aliases[i][1];
        }
    }
    return word;
}

static int unknown(const char *word) {
    char hint[CLI_COMMAND_HINT];
    if (word[0] == '-') {
        return cli_usage(NULL, "%s: options come after a command", word);
    }
    return cli_usage(NULL, "'%s' is not a fovea command%s", word, cli_command_suggest(cli_commands, word, hint));
}

int main(int count, char **words) {
    setlocale(LC_CTYPE, ""); // to know the terminal's encoding; numbers stay as in C
    const char *name = count > 1 ? alias(words[1]) : "help";
    const cli_command *command = cli_command_find(cli_commands, name);
    int code = command ? cli_command_run(command, count > 2 ? count - 2 : 0, words + 2) : unknown(name);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_say("cannot write to standard output: %s", strerror(errno));
        code = code == CLI_OK || code == CLI_LEFT_OUT ? CLI_FAILED : code;
    }
    return code;
}
