// `fovea cache list | clear`: what downloads and earlier runs have left on disk.
#include <string.h>

#include "support/json.h"

// What an entry is; everything else was downloaded or unpacked.
static const char *describe(const char *name) {
    return strcmp(name, "features") == 0  ? "output of frozen layers, computed again when needed"
           : strcmp(name, "weights") == 0 ? "trained weights"
                                          : "data";
}

static int list(const cli_options *options, const fv_cache_info *info) {
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
        cli_table_drop(&table);
        return cli_json_print(all, true);
    }
    json_decref(all);
    printf("%s: %s\n", info->path, info->count ? cli_bytes(number, total) : "nothing");
    return cli_table_print(&table, stdout);
}

static int clear(const cli_options *options, const fv_cache_info *info) {
    const char *name = options->argument_count > 1 ? options->arguments[1] : "features";
    bool all = strcmp(name, "all") == 0, found = all;
    double freed = 0;
    for (int i = 0; i < info->count; i++) {
        const fv_cache_entry *entry = &info->entries[i];
        fv_error error;
        if (!all && strcmp(name, entry->name) != 0) {
            continue;
        }
        found = true;
        if (fv_cache_remove(entry->name, &error) != FV_OK) {
            return cli_fail(&error);
        }
        char number[CLI_NUMBER_SIZE];
        freed += (double)entry->bytes;
        if (!options->json) {
            printf("%s: %s freed\n", entry->name, cli_bytes(number, (double)entry->bytes));
        }
    }
    if (!found && options->argument_count > 1) {
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

static int run(const cli_options *options) {
    static const char *const actions[] = {"list", "clear", NULL};
    const char *action = options->argument_count > 0 ? options->arguments[0] : "list";
    fv_cache *cache;
    fv_error error;
    bool lists = strcmp(action, "list") == 0;
    if (!lists && strcmp(action, "clear") != 0) {
        char hint[256];
        return cli_usage(&cli_cache, "cache %s: %s", action, fv__suggest_name(hint, sizeof hint, action, actions));
    }
    if (lists && options->argument_count > 1) {
        return cli_usage(&cli_cache, "cache list takes no argument");
    }
    if (fv_cache_open(&cache, &error) != FV_OK) {
        return cli_fail(&error);
    }
    const fv_cache_info *info = fv_cache_get_info(cache);
    const int code = lists ? list(options, info) : clear(options, info);
    fv_cache_free(cache);
    return code;
}

const cli_command cli_cache = {
    .name = "cache",
    .arguments = "list | clear [NAME]  [OPTIONS]",
    .sentence = "See and free what is kept on disk",
    .details = "The cache is $XDG_CACHE_HOME/fovea or ~/.cache/fovea: downloads, unpacked archives, and what frozen\n"
               "layers made of the samples of earlier runs.\n"
               "\n"
               "  fovea cache list                 what is there, and its size\n"
               "  fovea cache clear                frees the output of frozen layers, which can be computed again\n"
               "  fovea cache clear mnist          frees this entry\n"
               "  fovea cache clear all            frees everything\n",
    .options = "",
    .most_arguments = 2,
    .run = run,
};
