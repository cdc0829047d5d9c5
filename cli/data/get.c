// `fovea data get SET|URL`: downloads.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "commands.h"
#include "data.h"
#include "data/locate.h"
#include "fetch/cache.h"
#include "fetch/fetch.h"
#include "formats/sha256.h"
#include "support/download.h"
#include "support/json.h"
#include "support/memory.h"
#include "support/paths.h"
#include "support/progress.h"
#include "support/say.h"
#include "support/text.h"

typedef struct data_get_options {
    const char *out, *sha256;
    bool json, quiet;
} data_get_options;

// --- a set known by name

// Where the set is now. Nobody has published a sum for some: then what came is told by its own.
static int tell_place(const data_get_options *options, const fv__dataset_info *info, const char *folder, bool already) {
    char sum[FV__SHA256_TEXT];
    fv_error error;
    fv_status status = FV_OK;
    const char *still = already ? " already" : "";
    if (options->json) {
        return cli_json_print(
            json_pack("{s:s, s:o, s:b}", "name", info->name, "folder", cli_json_text(folder), "already", (int)already),
            true);
    }
    if (options->quiet) {
        return CLI_OK;
    }
    if (info->files[0].sha256) {
        cli_line(stdout, "%s is in %s%s, as published", info->name, folder, still);
        return CLI_OK;
    }
    char *path = fv__dataset_file_path(folder, &info->files[0], &status);
    status = path ? fv__sha256_file(path, sum, &error) : fv__fail_memory(&error, info->name);
    if (!status) {
        cli_line(stdout, "%s is in %s%s; no sum is published to check it by, that of this file is SHA-256 %s",
                 info->name, path, still, sum);
    }
    fv__free(path);
    return status ? cli_fail(&error) : CLI_OK;
}

static int get_set(const data_get_options *options, const fv__dataset_info *info) {
    fv_error error;
    char *folder = NULL;
    if (options->sha256) {
        return cli_usage(&cli_data_get,
                         "data get %s: --sha256 is for files from an address; what comes of a known set is "
                         "compared with the sums published of it",
                         info->name);
    }
    // Where another place has it already, nothing is to be done, unless a folder was asked for.
    if (!options->out && fv__dataset_locate(info, NULL, NULL, &folder, NULL) == FV_OK) {
        fv_status status = fv__dataset_verify(info, NULL, folder, &error);
        const int code = status ? cli_fail(&error) : tell_place(options, info, folder, true);
        fv__free(folder);
        return code;
    }
    cli_download now = cli_download_begin(options->quiet);
    fv_status status = fv__dataset_get(info, NULL, options->out, cli_download_show, &now, &error);
    cli_progress_keep();
    if (status != FV_OK) {
        return cli_fail(&error);
    }
    if (fv__dataset_locate(info, NULL, options->out, &folder, &error) != FV_OK) {
        return cli_fail(&error);
    }
    const int code = tell_place(options, info, folder, false);
    fv__free(folder);
    return code;
}

// --- any file

// PATH/NAME, the name being what the address ends with; NULL: it ends with none.
static char *target_of(const char *folder, const char *url) {
    const char *start = strstr(url, "://") + 3, *end = start + strcspn(start, "?#"), *name = end;
    while (name > start && name[-1] != '/') {
        name--;
    }
    return name > start && name < end && name[0] != '.' ? cli_format("%s/%.*s", folder, (int)(end - name), name) : NULL;
}

static int fetch(const data_get_options *options, const char *url, const char *path) {
    char sum[FV__SHA256_TEXT];
    fv_error error;
    const bool already = cli_is_file(path);
    cli_download now = cli_download_begin(options->quiet);
    const fv__fetch_options fetch = {.sha256 = options->sha256, .on_event = cli_download_show, .context = &now};
    fv_status status = fv__fetch(url, path, &fetch, &error);
    cli_progress_keep();
    status = status ? status : fv__sha256_file(path, sum, &error);
    if (!status && options->sha256 && strcasecmp(sum, options->sha256) != 0) { // it was there before
        status = fv__fail(&error, FV_FORMAT, "%s: SHA-256 is %s, should be %s; remove this file and try again", path,
                          sum, options->sha256);
    }
    if (status) {
        return cli_fail(&error);
    }
    if (options->json) {
        return cli_json_print(
            json_pack("{s:o, s:s, s:b}", "file", cli_json_text(path), "sha256", sum, "already", (int)already), true);
    }
    if (!options->quiet) {
        cli_line(stdout, "%s%s", path, already ? " (there already)" : "");
        printf("SHA-256 %s%s\n", sum, options->sha256 ? ", as it should be" : ", compared with nothing");
    }
    return CLI_OK;
}

// A folder of the cache for this address: others may end with the same name.
static fv_status find_downloads(const char *url, char **folder, fv_error *error) {
    char sum[FV__SHA256_TEXT], name[32];
    fv__sha256_memory(url, strlen(url), sum);
    snprintf(name, sizeof name, "downloads/%.12s", sum);
    return fv__cache_path(name, folder, error);
}

static int get_url(const data_get_options *options, const char *url) {
    fv_error error;
    char *cache = NULL;
    if (options->sha256 && (strlen(options->sha256) != 64 || strspn(options->sha256, "0123456789abcdefABCDEF") != 64)) {
        return cli_usage(&cli_data_get, "--sha256: '%s' should be 64 hexadecimal digits", options->sha256);
    }
    if (!options->out && find_downloads(url, &cache, &error)) {
        return cli_fail(&error);
    }
    char *path = target_of(options->out ? options->out : cache, url);
    const int code =
        path ? fetch(options, url, path)
             : cli_usage(&cli_data_get, "data get %s: the address does not end with the name of a file", url);
    free(path);
    fv__free(cache);
    return code;
}

static int run(const void *given, const cli_arguments *arguments) {
    const data_get_options *options = given;
    const char *what = arguments->items[0];
    fv_error error;
    if (strstr(what, "://")) {
        return get_url(options, what);
    }
    const fv__dataset_info *info = fv__dataset_info_find(what, &error);
    if (info && info->file_count == 0) {
        return cli_usage(&cli_data_get, "data get %s: your own folder is not downloaded", what);
    }
    return info ? get_set(options, info) : cli_fail(&error);
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
