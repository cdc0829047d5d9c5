// SPDX-License-Identifier: Apache-2.0
#include "formats/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"

struct fv__archive {
    struct archive *reader;
    char *name; // for messages
    fv__archive_kind kind;
};

// What libarchive says, which may be nothing.
static fv_status fail(const fv__archive *archive, const char *what, fv_error *error) {
    const char *reason = archive_error_string(archive->reader);
    if (archive_errno(archive->reader) == ENOMEM) {
        return fv__fail_memory(error, archive->name);
    }
    return fv__fail(error, FV_FORMAT, "%s: %s (%s)", archive->name, what, reason ? reason : "damaged or cut off");
}

static fv_status begin(const char *name, fv__archive_kind kind, fv__archive **out, fv_error *error) {
    *out = NULL;
    fv__archive *archive = fv__alloc(sizeof *archive);
    if (!archive) {
        return fv__fail_memory(error, name);
    }
    archive->kind = kind;
    archive->name = fv__strdup(name);
    archive->reader = archive_read_new();
    struct archive *reader = archive->reader;
    if (!archive->name || !reader || archive_read_support_filter_gzip(reader) != ARCHIVE_OK ||
        archive_read_support_filter_xz(reader) != ARCHIVE_OK ||
        (kind == FV__ARCHIVE_ALONE ? archive_read_support_format_raw(reader)
                                   : archive_read_support_format_tar(reader)) != ARCHIVE_OK ||
        (kind == FV__ARCHIVE_TREE && archive_read_support_format_zip(reader) != ARCHIVE_OK) ||
        archive_read_support_format_empty(reader) != ARCHIVE_OK) {
        fv__archive_close(archive);
        return fv__fail_memory(error, name);
    }
    *out = archive;
    return FV_OK;
}

static fv_status end_opening(int result, fv__archive **out, fv_error *error) {
    fv_status status = result == ARCHIVE_OK ? FV_OK : fail(*out, "cannot be unpacked", error);
    if (status != FV_OK) {
        fv__archive_close(*out);
        *out = NULL;
    }
    return status;
}

fv_status fv__archive_open(const char *path, fv__archive_kind kind, fv__archive **out, fv_error *error) {
    enum { PIECE = 1 << 16 };
    if (!fv__file_exists(path)) { // libarchive's own message does not tell that from a damaged file
        *out = NULL;
        return fv__fail_file(error, path, "open", ENOENT);
    }
    fv_status status = begin(path, kind, out, error);
    return status != FV_OK ? status : end_opening(archive_read_open_filename((*out)->reader, path, PIECE), out, error);
}

fv_status fv__archive_parse(const void *bytes, size_t size, const char *name, fv__archive_kind kind, fv__archive **out,
                            fv_error *error) {
    fv_status status = begin(name, kind, out, error);
    return status != FV_OK ? status : end_opening(archive_read_open_memory((*out)->reader, bytes, size), out, error);
}

fv_status fv__archive_next(fv__archive *archive, const char **name, fv_error *error) {
    *name = NULL;
    for (;;) {
        struct archive_entry *entry;
        int result = archive_read_next_header(archive->reader, &entry);
        if (result == ARCHIVE_EOF) {
            return FV_OK;
        }
        if (result != ARCHIVE_OK && result != ARCHIVE_WARN) { // a warning: a name or date that is not understood
            return fail(archive, "cannot be unpacked", error);
        }
        const char *path = archive_entry_pathname(entry);
        if (!path) { // it cannot be said in the locale's encoding
            path = archive_entry_pathname_utf8(entry);
        }
        if (path && archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry)) {
            const char *slash = strrchr(path, '/');
            *name = slash && archive->kind != FV__ARCHIVE_TREE ? slash + 1 : path;
            return FV_OK;
        }
    }
}

fv_status fv__archive_read(fv__archive *archive, void *target, size_t wanted, size_t *got, fv_error *error) {
    *got = 0;
    while (*got < wanted) {
        la_ssize_t read = archive_read_data(archive->reader, (char *)target + *got, wanted - *got);
        if (read < 0) {
            return fail(archive, "cannot be unpacked", error);
        }
        if (read == 0) {
            break;
        }
        *got += (size_t)read;
    }
    return FV_OK;
}

void fv__archive_close(fv__archive *archive) {
    if (archive) {
        archive_read_free(archive->reader);
        fv__free(archive->name);
        fv__free(archive);
    }
}
