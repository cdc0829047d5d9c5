// SPDX-License-Identifier: Apache-2.0
// Finds the folder where the files of a data set are.
#ifndef FOVEA_DATA_LOCATE_H
#define FOVEA_DATA_LOCATE_H

#include "data/registry.h"

// The folder (or archive) with all files of `split` (NULL: of both): `path` when given, and only there; else the first
// of $FOVEA_DATA/SET, $FOVEA_DATA, the cache, the folder of Debian's package. To be freed with fv__free. When there is
// none, the message lists the places and the commands that help.
fv_status fv__dataset_locate(const fv__dataset_info *info, const char *split, const char *path, char **folder,
                             fv_error *error);

// The path of a file in a folder under any of its names: train-images-idx3-ubyte or train-images.idx3-ubyte, with or
// without .gz. A file that is published in an archive may also be packed with xz, be in the folder that the archive
// unpacks into, or be still inside the archive (`folder` may be that itself): then the path is the archive's. NULL when
// there is none (or, with *status FV_MEMORY, when there was no memory).
char *fv__dataset_file_path(const char *folder, const fv__dataset_file *file, fv_status *status);

// Whether a path found so is that of the archive.
bool fv__dataset_is_archive(const fv__dataset_file *file, const char *path);

// Compares the content of a file found so (or the archive) with the published sum: FV_FORMAT and both sums when it is
// something else. `shown` is what the message calls it.
fv_status fv__dataset_file_check(const fv__dataset_file *file, const char *path, const char *shown, fv_error *error);

#endif
