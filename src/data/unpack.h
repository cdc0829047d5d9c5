// SPDX-License-Identifier: Apache-2.0
// Archives of pictures, unpacked into the cache.
#ifndef FOVEA_DATA_UNPACK_H
#define FOVEA_DATA_UNPACK_H

#include "base/error.h"

// *folder is where the content of the archive (zip, tar, tar.gz, tar.xz) is, unpacked now or at an earlier time; to be
// freed with fv__free. Whoever may write the archive must not be able to write elsewhere: names that lead out of the
// folder are refused, links are left out, and so is what does not fit into a multiple of the archive's own size.
fv_status fv__unpack(const char *path, char **folder, fv_error *error);

#endif
