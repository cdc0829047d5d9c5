// SPDX-License-Identifier: Apache-2.0
// `fovea cache list | clear`: what downloads and earlier runs have left on disk.
#include <string.h>

#include "commands.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/say.h"
#include "support/table.h"
#include "support/text.h"

typedef struct cache_options {
    bool json;
} cache_options;

// What an entry is; everything else was downloaded or unpacked.
static const char *describe(const char *name) {
    return strcmp(name, "features") == 0  ? "output of frozen layers, computed again when needed"
           : strcmp(name, "weights") == 0 ? "trained weights"
                                          : "data";
}

static int print_list(const cache_options *options, const fv_cache_info *info) {
    char number[CLI_NUMBER_SIZE];
    json_t *all = json_array();
    cli_table table = {.alignment = "lrl"};
    double total = 0;
    for (int i = 0; i < info->count; i++) {
        const fv_cache_entry *entry = &info->entries[i];
        total += (double)entry->bytes;
        cli_table_add(&table, "%s", entry->name);
        cli_table_add(&table, "%s", cli_bytes(number, (double)entry->bytes));
        cli_table_add(&table, "%zu file%s: %s", entry->files, entry->files == 1 ? "" : "s", describe(entry->name));
        json_array_append_new(all, json_pack("{s:o, s:I, s:I}", "name", cli_json_text(entry->name), "bytes",
                                             (json_int_t)entry->bytes, "files", (json_int_t)entry->files));
    }
    if (options->json) {
        cli_table_free(&table);
        return cli_json_print(all, true);
    }
    json_decref(all);
    cli_line(stdout, "%s: %s", info->path, info->count ? cli_bytes(number, total) : "nothing");
    cli_table_print(&table, stdout);
    return CLI_OK;
}

static int remove_entries(const cache_options *options, const char *given, const fv_cache_info *info) {
    const char *name = given ? given : "features";
    bool all = strcmp(name, "all") == 0, found = all;
    double freed = 0;
    for (int i = 0; i < info->count; i++) {
        fv_error error;
        if (all || strcmp(name, info->entries[i].name) == 0) {
            found = true;
            CLI_TRY(cli_check(fv_cache_remove(info->entries[i].name, &error), &error));
            char number[CLI_NUMBER_SIZE];
            freed += (double)info->entries[i].bytes;
            if (!options->json) {
                cli_line(stdout, "%s: %s freed", info->entries[i].name,
                         cli_bytes(number, (double)info->entries[i].bytes));
            }
        }
    }
    if (!found && given) {
        cli_say("the cache has no %s; `fovea cache list` shows what it has", name);
        return CLI_FAILED;
    }
    if (options->json) {
        return cli_json_print(json_pack("{s:I}", "freed", (json_int_t)freed), true);
    }
    if (!info->count || !found) {
        printf("nothing to free\n");
    }
    return CLI_OK;
}

static int list(const void *options, const cli_arguments *arguments) {
    (void)arguments;
    fv_cache *cache;
    fv_error error;
    CLI_TRY(cli_check(fv_cache_open(&cache, &error), &error));
    const int code = print_list(options, fv_cache_get_info(cache));
    fv_cache_free(cache);
    return code;
}

static int clear(const void *options, const cli_arguments *arguments) {
    fv_cache *cache;
    fv_error error;
    CLI_TRY(cli_check(fv_cache_open(&cache, &error), &error));
    const int code = remove_entries(options, arguments->count ? arguments->items[0] : NULL, fv_cache_get_info(cache));
    fv_cache_free(cache);
    return code;
}

static const cli_option options[] = {CLI_JSON(cache_options, json), CLI_END};

static const cli_command list_action = {
    .name = "list",
    .parent = &cli_cache,
    .arguments = "",
    .sentence = "Show what is kept on disk, and its size",
    .examples = CLI_EXAMPLES({"fovea cache list", NULL}),
    .options = options,
    .options_size = sizeof(cache_options),
    .run = list,
};

static const cli_command clear_action = {
    .name = "clear",
    .parent = &cli_cache,
    .arguments = "[NAME]",
    .sentence = "Free an entry",
    .details = "Without a name it frees the output of frozen layers, which is computed again when needed.",
    .examples = CLI_EXAMPLES({"fovea cache clear", NULL}, {"fovea cache clear mnist", NULL},
                             {"fovea cache clear all", "everything"}),
    .options = options,
    .options_size = sizeof(cache_options),
    .most_arguments = 1,
    .run = clear,
};

static const cli_command *const actions[] = {&list_action, &clear_action, NULL};

const cli_command cli_cache = {
    .name = "cache",
    .arguments = "",
    .sentence = "See and free what is kept on disk",
    .details =
        "The cache is $XDG_CACHE_HOME/fovea or ~/.cache/fovea: downloads, unpacked archives, and what frozen layers "
        "made of the samples of earlier runs.",
    .actions = actions,
};
