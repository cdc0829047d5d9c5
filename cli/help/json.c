// SPDX-License-Identifier: Apache-2.0
// `fovea help --json`: all commands and their actions, with their options.
#include "support/json.h"
#include "help.h"
#include "support/command.h"

static json_t *text_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

static json_t *option_json(const cli_option *row) {
    static const char *const kinds[] = {"flag", "count", "number", "seed", "text", "choice", "list"};
    json_t *words = json_array();
    for (const cli_word *word = row->words; word && word->word; word++) {
        json_array_append_new(words, json_pack("{s:s, s:s?}", "word", word->word, "sentence", word->sentence));
    }
    return json_pack("{s:s, s:o, s:o, s:s, s:o, s:s, s:o}", "name", row->name, "letter", text_or_null(row->letter),
                     "value", text_or_null(row->value), "kind", kinds[row->kind], "default", text_or_null(row->preset),
                     "sentence", row->sentence, "words", words);
}

static json_t *command_json(const cli_command *command) {
    json_t *options = json_array(), *examples = json_array(), *actions = json_array();
    for (const cli_option *row = command->options; row && row->name; row++) {
        json_array_append_new(options, option_json(row));
    }
    if (!command->actions) {
        json_array_append_new(options, option_json(&cli_option_help));
    }
    for (const cli_example *example = command->examples; example && example->line; example++) {
        json_array_append_new(examples, json_string(example->line));
    }
    for (const cli_command *const *action = command->actions; action && *action; action++) {
        json_array_append_new(actions, command_json(*action));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name", command->name, "arguments", command->arguments,
                     "sentence", command->sentence, "options", options, "examples", examples, "actions", actions);
}

int cli_help_json(const cli_command *only) {
    if (only) {
        return cli_json_print(command_json(only), true);
    }
    json_t *list = json_array();
    for (const cli_command *const *command = cli_commands; *command; command++) {
        json_array_append_new(list, command_json(*command));
    }
    return cli_json_print(json_pack("{s:s, s:o}", "version", fv_version(), "commands", list), true);
}
