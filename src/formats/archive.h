// SPDX-License-Identifier: Apache-2.0
// What is inside a packed file, as a stream: the members of a tar archive (plain, gzip or xz) or a zip, or the one
// content of a file that is packed alone (gzip, xz) or not at all. By libarchive. Nothing is ever written to disk, so
// that names inside an archive can do no harm; a caller decides how much it is willing to receive.
#ifndef FOVEA_FORMATS_ARCHIVE_H
#define FOVEA_FORMATS_ARCHIVE_H

#include "base/error.h"

typedef enum fv__archive_kind {
    FV__ARCHIVE_TAR,   // names without folders
    FV__ARCHIVE_ALONE, //
    FV__ARCHIVE_TREE   // tar or zip, names with folders
} fv__archive_kind;

typedef struct fv__archive fv__archive;

fv_status fv__archive_open(const char *path, fv__archive_kind kind, fv__archive **out, fv_error *error);

// The same over bytes in memory, which must outlive the reader; `name` is for messages.
fv_status fv__archive_parse(const void *bytes, size_t size, const char *name, fv__archive_kind kind, fv__archive **out,
                            fv_error *error);

// Goes on to the next ordinary file (no folder, no link). *name is its name, valid until the next call; NULL when there
// is none. A file that is packed alone is one of these, with any name.
fv_status fv__archive_next(fv__archive *archive, const char **name, fv_error *error);

// Up to `wanted` bytes of the file in hand; *got is less only at its end.
fv_status fv__archive_read(fv__archive *archive, void *target, size_t wanted, size_t *got, fv_error *error);

void fv__archive_close(fv__archive *archive); // NULL is fine

#endif
