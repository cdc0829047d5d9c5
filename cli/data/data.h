// `fovea data`: a file for each action (list.c, show.c, check.c, get.c), and for what some of them do with photographs
// (photo_*.c) and pictures (augment.c, samples.c).
#ifndef FOVEA_CLI_DATA_H
#define FOVEA_CLI_DATA_H

#include "data/registry.h"
#include "support/command.h"
#include "support/subject.h"

extern const cli_command cli_data_list, cli_data_show, cli_data_check, cli_data_get;

typedef struct data_show_options {
    cli_source source;
    const char *out, *augment;
    bool json;
} data_show_options;

typedef struct data_check_options {
    const char *path;
    int threads;
    bool json, quiet;
} data_check_options;

// `data show SET|RECIPE --augment FILE`.
int cli_data_augment(const data_show_options *options, const char *name);

// The known set whose files are in a folder, or whose published archive this is; else photographs.
const fv__dataset_info *cli_data_recognize(const char *path);

// `data check DIR` and `data show DIR`, for photographs.
int cli_photos_check(const data_check_options *options, const fv__dataset_info *info, const char *path);
int cli_photos_show(const data_show_options *options, const fv__dataset_info *info, const char *path);

// A grid of a few samples with their classes (samples.c).
fv_status cli_draw_samples(const fv_dataset *data, const char *path, fv_error *error);

#endif
