// SPDX-License-Identifier: Apache-2.0
// `fovea data get SET|URL`: downloads.
#include <string.h>

#include "commands.h"
#include "data.h"
#include "support/download.h"
#include "support/json.h"
#include "support/progress.h"
#include "support/say.h"
#include "support/text.h"

typedef struct data_get_options {
    const char *out, *sha256;
    bool json, quiet;
} data_get_options;

// --- A set known by name

// Where the set is now. For some nobody has published a sum: then what came is reported with its own.
static int say_place(const data_get_options *options, const char *name, const char *folder, bool already) {
    char sum[65], *file = NULL;
    fv_error error;
    const char *still = already ? " already" : "";
    if (fv_dataset_verify(name, folder, &file, sum, &error) != FV_OK) {
        return cli_fail(&error);
    }
    int code = CLI_OK;
    if (options->json) {
        code = cli_json_print(
            json_pack("{s:s, s:o, s:b}", "name", name, "folder", cli_json_text(folder), "already", (int)already), true);
    } else if (!options->quiet && !file) {
        cli_line(stdout, "%s is in %s%s, as published", name, folder, still);
    } else if (!options->quiet) {
        cli_line(stdout, "%s is in %s%s; no sum is published to compare with, that of this file is SHA-256 %s", name,
                 file, still, sum);
    }
    fv_free(file);
    return code;
}

static int get_set(const data_get_options *options, const char *name) {
    fv_error error;
    char *folder = NULL;
    if (options->sha256) {
        return cli_usage(&cli_data_get,
                         "data get %s: --sha256 is for files from an address; a known set is compared with its "
                         "published sums",
                         name);
    }
    // Where another place has it already, nothing is to be done, unless a folder was asked for.
    const bool already = !options->out && fv_dataset_locate(name, NULL, &folder, NULL) == FV_OK;
    fv_status status = FV_OK;
    if (!already) {
        cli_download now = cli_download_begin(options->quiet);
        const fv_download_options how = {
            .size = sizeof how, .folder = options->out, .on_event = cli_download_show, .context = &now};
        status = fv_dataset_download(name, &how, &folder, &error);
        cli_progress_keep();
    }
    const int code = status ? cli_fail(&error) : say_place(options, name, folder, already);
    fv_free(folder);
    return code;
}

// --- Any file

static int get_url(const data_get_options *options, const char *url) {
    char sum[65], *path = NULL;
    bool already = false;
    fv_error error;
    cli_download now = cli_download_begin(options->quiet);
    const fv_download_options how = {.size = sizeof how,
                                     .folder = options->out,
                                     .sha256 = options->sha256,
                                     .on_event = cli_download_show,
                                     .context = &now};
    const fv_status status = fv_download(url, &how, &path, sum, &already, &error);
    cli_progress_keep();
    if (status) {
        return status == FV_INVALID ? cli_usage(&cli_data_get, "data get: %s", error.message) : cli_fail(&error);
    }
    int code = CLI_OK;
    if (options->json) {
        code = cli_json_print(
            json_pack("{s:o, s:s, s:b}", "file", cli_json_text(path), "sha256", sum, "already", (int)already), true);
    } else if (!options->quiet) {
        cli_line(stdout, "%s%s", path, already ? " (there already)" : "");
        printf("SHA-256 %s%s\n", sum, options->sha256 ? ", as it should be" : ", compared with nothing");
    }
    fv_free(path);
    return code;
}

static int run(const void *options, const cli_arguments *arguments) {
    const char *what = arguments->items[0];
    return strstr(what, "://") ? get_url(options, what) : get_set(options, what);
}

static const cli_option options[] = {
    CLI_TEXT("out", "DIR", data_get_options, out, "Download into this folder (default: the cache).", .letter = "o",
             .values = CLI_FOLDERS),
    CLI_TEXT("sha256", "SUM", data_get_options, sha256, "SHA-256 that a file from an address must have."),
    CLI_JSON(data_get_options, json), CLI_QUIET(data_get_options, quiet), CLI_END};

const cli_command cli_data_get = {
    .name = "get",
    .parent = &cli_data,
    .arguments = "SET|URL",
    .sentence = "Download a data set, or any file, checked",
    .details = "A download is checked before it gets its name, and continues where it was interrupted. A file from an "
               "address is kept only if it has the sum of --sha256.",
    .examples = CLI_EXAMPLES({"fovea data get mnist", NULL}, {"fovea data get mnist --out ./data", NULL},
                             {"fovea data get https://example.org/photos.zip --sha256 SUM", NULL}),
    .options = options,
    .options_size = sizeof(data_get_options),
    .values = CLI_DATA_SETS,
    .least_arguments = 1,
    .most_arguments = 1,
    .missing = "data get needs the name of a data set, which `fovea data list` shows, or an address",
    .run = run,
};
