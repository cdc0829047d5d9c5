// SPDX-License-Identifier: Apache-2.0
// Whole files in, whole files out. A file fovea writes is either complete or not there: it is written beside its target
// under another name, synced and renamed, so that neither a crash nor a full disk leaves half a model behind.
#ifndef FOVEA_FORMATS_FILE_H
#define FOVEA_FORMATS_FILE_H

#include "base/error.h"

// Reads a whole file. *bytes is 64-byte aligned, ends in an extra NUL not counted in *size (text can be used as is),
// and is freed with fv__free. A file of more than `limit` bytes is refused (0: no limit).
fv_status fv__file_read(const char *path, size_t limit, uint8_t **bytes, size_t *size, fv_error *error);

// Replaces the file by `size` bytes, atomically.
fv_status fv__file_write(const char *path, const void *bytes, size_t size, fv_error *error);

bool fv__file_exists(const char *path);
bool fv__folder_exists(const char *path);

// Makes the folder and those above it; one that is there already is fine.
fv_status fv__make_folders(const char *path, fv_error *error);

// A file being written. Nothing appears under its path before fv__writer_commit, and that either replaces the file
// whole or leaves the old one. A failed append is remembered: later ones and the commit fail with it too, so a caller
// may check the commit alone.
typedef struct fv__writer fv__writer;

fv_status fv__writer_open(const char *path, fv__writer **out, fv_error *error);
fv_status fv__writer_append(fv__writer *writer, const void *bytes, size_t size, fv_error *error);
fv_status fv__writer_print(fv__writer *writer, fv_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Flush, sync, rename, sync the folder; frees the writer whether it works or not.
fv_status fv__writer_commit(fv__writer *writer, fv_error *error);

// Removes what was written and frees the writer; NULL is fine.
void fv__writer_abandon(fv__writer *writer);

// Makes a rename in the folder of `path` last through a power cut; file systems that cannot are not an error.
void fv__sync_folder_of(const char *path);

// Opens `path` for writing, making it if need be, and locks it against every other fv__open_locked. A descriptor, or -1
// with errno: EWOULDBLOCK when somebody else has the lock. Closing the descriptor gives the lock back.
int fv__open_locked(const char *path);

// The same of a folder that is there.
int fv__open_locked_folder(const char *path);

// FV_NOT_FOUND for a path that is not there, FV_IO otherwise: "PATH: cannot WHAT: REASON", with what to do when the
// reason is a full disk or a read-only place. `code` is an errno.
fv_status fv__fail_file(fv_error *error, const char *path, const char *what, int code);

#endif
