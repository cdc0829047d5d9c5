// `fovea data get SET|URL`: downloads.
#include <string.h>

#include "data/data.h"
#include "support/download.h"
#include "support/json.h"

// --- A set known by name

// Where the set is now. For some nobody has published a sum: then what came is reported with its own.
static int say_place(const cli_options *options, const char *name, const char *folder, bool already) {
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
        printf("%s is in %s%s, as published\n", name, folder, still);
    } else if (!options->quiet) {
        printf("%s is in %s%s; no sum is published to compare with, that of this file is SHA-256 %s\n", name, file,
               still, sum);
    }
    fv_free(file);
    return code;
}

static int get_set(const cli_options *options, const char *name) {
    fv_error error;
    char *folder = NULL;
    if (options->sha256) {
        return cli_usage(&cli_data,
                         "data get %s: --sha256 is for files from an address; a known set is compared with its "
                         "published sums",
                         name);
    }
    // Where another place has it already, nothing is to be done, unless a folder was asked for.
    const bool already = !options->out && fv_dataset_locate(name, NULL, &folder, NULL) == FV_OK;
    fv_status status = FV_OK;
    if (!already) {
        cli_download now = cli_download_begin(options);
        const fv_download_options how = {
            .size = sizeof how, .folder = options->out, .on_event = cli_download_show, .context = &now};
        status = fv_dataset_download(name, &how, &folder, &error);
        cli_download_end(&now);
    }
    const int code = status ? cli_fail(&error) : say_place(options, name, folder, already);
    fv_free(folder);
    return code;
}

// --- Any file

static int get_url(const cli_options *options, const char *url) {
    char sum[65], *path = NULL;
    bool already = false;
    fv_error error;
    cli_download now = cli_download_begin(options);
    const fv_download_options how = {.size = sizeof how,
                                     .folder = options->out,
                                     .sha256 = options->sha256,
                                     .on_event = cli_download_show,
                                     .context = &now};
    const fv_status status = fv_download(url, &how, &path, sum, &already, &error);
    cli_download_end(&now);
    if (status) {
        return status == FV_INVALID ? cli_usage(&cli_data, "data get: %s", error.message) : cli_fail(&error);
    }
    int code = CLI_OK;
    if (options->json) {
        code = cli_json_print(
            json_pack("{s:o, s:s, s:b}", "file", cli_json_text(path), "sha256", sum, "already", (int)already), true);
    } else if (!options->quiet) {
        printf("%s%s\nSHA-256 %s%s\n", path, already ? " (there already)" : "", sum,
               options->sha256 ? ", as it should be" : ", compared with nothing");
    }
    fv_free(path);
    return code;
}

int cli_data_get(const cli_options *options) {
    const char *what = options->arguments[1];
    return strstr(what, "://") ? get_url(options, what) : get_set(options, what);
}
