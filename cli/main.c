// The program `fovea`: finds the command, reads its options, runs it, and makes sure that what was printed arrived.
#include "support/cli.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

const cli_command *const cli_commands[] = {
#define X(name) &cli_##name,
    CLI_COMMAND_LIST(X)
#undef X
        NULL};

const char *const *cli_command_names(void) {
    static const char *const names[] = {
#define X(name) #name,
        CLI_COMMAND_LIST(X)
#undef X
            NULL};
    return names;
}

const cli_command *cli_command_find(const char *name) {
    for (int i = 0; cli_commands[i]; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

// `fovea --help` and `fovea --version` are what people try first.
static const char *alias(const char *word) {
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return "help";
    }
    return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0 ? "version" : word;
}

static int run(const cli_command *command, int count, char **words) {
    cli_options options;
    if (!cli_options_read(command, count, words, &options)) {
        return CLI_USAGE;
    }
    if (options.help) {
        options.arguments[0] = command->name;
        options.argument_count = 1;
        return cli_help.run(&options);
    }
    return command->run(&options);
}

static int unknown(const char *word) {
    if (word[0] == '-') {
        return cli_usage(NULL, "%s: options stand behind a command", word);
    }
    const char *nearest = fv__nearest_name(word, cli_command_names());
    return cli_usage(NULL, "'%s' is no command%s%s%s", word, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                     nearest ? "'?" : "");
}

int main(int count, char **words) {
    setlocale(LC_CTYPE, ""); // to know the terminal's encoding; numbers stay as in C
    const char *name = count > 1 ? alias(words[1]) : "help";
    const cli_command *command = cli_command_find(name);
    int code = command ? run(command, count > 2 ? count - 2 : 0, words + 2) : unknown(name);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_say("cannot write to standard output: %s", strerror(errno));
        code = code == CLI_OK || code == CLI_LEFT_OUT ? CLI_FAILED : code;
    }
    return code;
}
