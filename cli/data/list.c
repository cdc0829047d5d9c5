// SPDX-License-Identifier: Apache-2.0
// `fovea data list`: the data sets known by name, and where they were found.
#include "commands.h"
#include "data.h"
#include "support/json.h"
#include "support/say.h"
#include "support/table.h"

typedef struct data_list_options {
    const char *path;
    bool json;
} data_list_options;

static int run(const void *given, const cli_arguments *arguments) {
    (void)arguments;
    const data_list_options *options = given;
    json_t *sets = json_array();
    cli_table table = {.alignment = "lll"};
    fv_known_dataset known = {.size = sizeof known};
    for (size_t i = 0; fv_dataset_get_known(i, &known); i++) {
        char *folder = NULL;
        const bool here = fv_dataset_locate(known.name, options->path, &folder, NULL) == FV_OK;
        cli_table_add(&table, "%s", known.name);
        cli_table_add(&table, "%s", known.title);
        if (here) {
            cli_table_add(&table, "in %s", folder);
        } else {
            cli_table_add(&table, "not here: `fovea data get %s`%s%s", known.name,
                          known.package ? " or apt install " : "", known.package ? known.package : "");
        }
        json_array_append_new(sets, json_pack("{s:s, s:s, s:s, s:o, s:s?}", "name", known.name, "title", known.title,
                                              "source", known.source, "folder",
                                              folder ? cli_json_text(folder) : json_null(), "package", known.package));
        fv_free(folder);
    }
    if (options->json) {
        cli_table_free(&table);
        return cli_json_print(sets, true);
    }
    json_decref(sets);
    cli_table_print(&table, stdout);
    return CLI_OK;
}

static const cli_option options[] = {
    CLI_TEXT("path", "DIR", data_list_options, path, "Look in this folder.", .values = CLI_FOLDERS),
    CLI_JSON(data_list_options, json), CLI_END};

const cli_command cli_data_list = {
    .name = "list",
    .parent = &cli_data,
    .arguments = "",
    .sentence = "List the known data sets and where they were found",
    .examples = CLI_EXAMPLES({"fovea data list", NULL}),
    .options = options,
    .options_size = sizeof(data_list_options),
    .run = run,
};
