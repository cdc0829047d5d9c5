#include "support/files.h"

#include <string.h>

#include "base/memory.h"
#include "data/photos.h"
#include "formats/file.h"

static bool add_path(cli_files *files, char *path) {
    bool room = path && fv__reserve((void **)&files->paths, files->count, &files->capacity, sizeof *files->paths);
    if (!room) {
        fv__free(path);
        return false;
    }
    files->paths[files->count++] = path;
    return true;
}

// The pictures in a folder and those below it, by path.
static int add_folder(cli_files *files, const char *folder) {
    fv__photos photos;
    fv_error error;
    int length = (int)strlen(folder), code = CLI_OK;
    fv_status status = fv__photos_begin(&photos, folder, &error);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    if (!status) {
        status = fv__photos_add(&photos, ".", 0, &error);
    }
    if (!status && photos.count == 0) {
        status = fv__fail(&error, FV_NOT_FOUND, "%s: no pictures in it", folder);
    }
    if (status) {
        code = cli_fail(&error);
    }
    fv__photos_sort(&photos);
    for (size_t i = 0; i < photos.count && code == CLI_OK; i++) {
        const char *below = photos.items[i].path + 2; // behind "./"
        if (!add_path(files, fv__format("%.*s%s%s", length, folder, folder[length - 1] == '/' ? "" : "/", below))) {
            code = cli_fail_memory();
        }
    }
    fv__photos_free(&photos);
    return code;
}

int cli_files_find(cli_files *files, const cli_options *options, int first) {
    int code = CLI_OK;
    for (int i = first; i < options->argument_count && code == CLI_OK; i++) {
        const char *path = options->arguments[i];
        if (fv__folder_exists(path)) {
            code = add_folder(files, path);
        } else if (!add_path(files, fv__strdup(strcmp(path, "-") == 0 ? "/dev/stdin" : path))) {
            code = cli_fail_memory();
        }
    }
    return code;
}

int cli_files_conclude(const cli_files *files, int left_out) {
    if (left_out == 0) {
        return CLI_OK;
    }
    if (files->count > 1) {
        cli_say("%d of %d files cannot be read and are left out", left_out, files->count);
    }
    return left_out == files->count ? CLI_FAILED : CLI_LEFT_OUT;
}

void cli_files_free(cli_files *files) {
    for (int i = 0; i < files->count; i++) {
        fv__free(files->paths[i]);
    }
    fv__free(files->paths);
    *files = (cli_files){0};
}
