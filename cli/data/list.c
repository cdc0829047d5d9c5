// `fovea data list`: the data sets known by name, and where they were found.
#include "base/memory.h"
#include "commands.h"
#include "data.h"
#include "data/locate.h"
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
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        const fv__dataset_info *info = fv__dataset_known(i);
        char *folder = NULL;
        if (info->of) { // another labelling of a set in the list
            continue;
        }
        fv_status status = fv__dataset_locate(info, NULL, options->path, &folder, NULL);
        cli_table_add(&table, "%s", info->name);
        cli_table_add(&table, "%s", info->title);
        if (status == FV_OK) {
            cli_table_add(&table, "in %s", folder);
        } else {
            cli_table_add(&table, "not here: `fovea data get %s`%s%s", info->name,
                          info->package ? " or apt install " : "", info->package ? info->package : "");
        }
        json_array_append_new(sets, json_pack("{s:s, s:s, s:s, s:o, s:s?}", "name", info->name, "title", info->title,
                                              "source", info->source, "folder",
                                              folder ? cli_json_text(folder) : json_null(), "package", info->package));
        fv__free(folder);
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
