// A folder of photographs with all that is known of its pictures, for `fovea data check` and `show`.
#ifndef FOVEA_CLI_PHOTO_SET_H
#define FOVEA_CLI_PHOTO_SET_H

#include <jansson.h>

#include "data.h"
#include "data/folder.h"

enum { CLI_PARTS = 3 };

typedef struct cli_photos {
    fv__folder folder;
    struct {
        const char *name; // "train", or as its folder is called
        fv__photos photos;
        size_t *class_counts; // (classes), of those that can be read
        size_t readable;
    } parts[CLI_PARTS];
    int part_count;
} cli_photos;

// Looks at every picture. A failure is reported; the exit code is returned. cli_photos_close is fine also after a failure.
int cli_photos_open(int threads, const fv__dataset_info *info, const char *path, cli_photos *photos);
void cli_photos_close(cli_photos *photos);

// Root, classes, and how many pictures of each are in each part.
void cli_photos_print(const cli_photos *photos);
json_t *cli_photos_json(const cli_photos *photos);

#endif
