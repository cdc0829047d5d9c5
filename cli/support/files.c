// SPDX-License-Identifier: Apache-2.0
#include "support/files.h"

#include <stdlib.h>
#include <string.h>

#include "support/memory.h"
#include "support/paths.h"
#include "support/say.h"

static void add_path(cli_files *files, char *path) {
    files->paths = cli_grow(files->paths, (size_t)files->count + 1, sizeof *files->paths);
    files->paths[files->count++] = path;
}

// The images in a folder and those below it, by path.
static int add_folder(cli_files *files, const char *folder) {
    fv_image_list *images;
    fv_error error;
    CLI_TRY(cli_check(fv_images_find(folder, &images, &error), &error));
    const int count = (int)images->count;
    for (int i = 0; i < count; i++) {
        add_path(files, cli_copy(images->paths[i]));
    }
    fv_images_free(images);
    if (count == 0) {
        cli_say("%s: no images in it", folder);
    }
    return count ? CLI_OK : CLI_FAILED;
}

int cli_files_find(cli_files *files, const cli_arguments *arguments, int first) {
    for (int i = first; i < arguments->count; i++) {
        const char *path = arguments->items[i];
        if (cli_is_folder(path)) {
            CLI_TRY(add_folder(files, path));
        } else {
            add_path(files, cli_copy(strcmp(path, "-") == 0 ? "/dev/stdin" : path));
        }
    }
    return CLI_OK;
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
        free(files->paths[i]);
    }
    free(files->paths);
    *files = (cli_files){0};
}
