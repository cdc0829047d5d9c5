// `fovea data list | show | check | get`: the data sets known by name, what is in them, and where they come from.
#include "data.h"

#include <string.h>

#include "base/memory.h"
#include "commands.h"
#include "data/locate.h"
#include "support/paths.h"

static bool is_archive_of(const fv__dataset_info *info, const char *path) {
    const struct fv__dataset_archive *archive = info->file_count > 0 ? info->files[0].archive : NULL;
    return archive && strcmp(cli_last_part(path), archive->name) == 0;
}

const fv__dataset_info *cli_data_recognize(const char *path) {
    const bool folder = cli_is_folder(path);
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        const fv__dataset_info *info = fv__dataset_known(i);
        char *found = NULL;
        if (info->of || !info->open || !(folder || is_archive_of(info, path))) {
            continue;
        }
        const bool there = fv__dataset_locate(info, "train", path, &found, NULL) == FV_OK;
        fv__free(found);
        if (there) {
            return info;
        }
    }
    return &fv__folder_info;
}

static const cli_command *const actions[] = {&cli_data_list, &cli_data_show, &cli_data_check, &cli_data_get, NULL};

const cli_command cli_data = {
    .name = "data",
    .arguments = "",
    .sentence = "List, look at, check and download data sets",
    .details =
        "Data sets are searched in --path, $FOVEA_DATA, the cache ($XDG_CACHE_HOME/fovea or ~/.cache/fovea), and "
        "where Debian's packages put them.",
    .actions = actions,
};
