// Finds the folder where the files of a data set are.
#ifndef FOVEA_DATA_LOCATE_H
#define FOVEA_DATA_LOCATE_H

#include "data/registry.h"

// The folder with all files of `split` (NULL: of both): `path` when given, and only there; else the first of
// $FOVEA_DATA/SET, $FOVEA_DATA, the cache, the folder of Debian's package. To be freed with fv__free. When there is
// none, the message lists the places and the commands that help.
fv_status fv__dataset_locate(const fv__dataset_info *info, const char *split, const char *path, char **folder,
                             fv_error *error);

// The path of a file in a folder under any of its names: train-images-idx3-ubyte or train-images.idx3-ubyte, with or
// without .gz. NULL when it has none of them (or, with *status FV_MEMORY, when there was no memory).
char *fv__dataset_file_path(const char *folder, const fv__dataset_file *file, fv_status *status);

#endif
