// `fovea data` has its actions in files of their own: looking at sets and getting them, drawing what augmentation does,
// checking files, and photographs.
#ifndef FOVEA_CLI_DATA_H
#define FOVEA_CLI_DATA_H

#include "data/registry.h"
#include "support/cli.h"

// `data show SET|RECIPE --augment FILE`.
int cli_data_augment(const cli_options *options);

int cli_data_check(const cli_options *options);

// `data get SET|URL`.
int cli_data_get(const cli_options *options);

// The known set whose files lie in a folder, or whose published archive this is; else photographs.
const fv__dataset_info *cli_data_recognize(const char *path);

// Whether the argument means a folder (or archive) of photographs, not a set known by name.
bool cli_is_photos(const char *argument);

// `data check DIR` and `data show DIR`, for photographs.
int cli_photos_check(const cli_options *options, const fv__dataset_info *info, const char *path);
int cli_photos_show(const cli_options *options, const fv__dataset_info *info, const char *path);

// A grid of a few samples with their classes (data_samples.c).
fv_status cli_draw_samples(const fv_dataset *data, const char *path, fv_error *error);

// Names on standard error the files that are left out of a data set, the first few of many.
void cli_tell_left_out(const fv_dataset *data);

#endif
