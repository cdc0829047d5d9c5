// SPDX-License-Identifier: Apache-2.0
// The data sets fovea knows by name: one row a set in registry.c, which is where a new one is added.
#ifndef FOVEA_DATA_REGISTRY_H
#define FOVEA_DATA_REGISTRY_H

#include "data/dataset.h"
#include "fetch/fetch.h"
#include "image/resize.h"

// A set that is published as one archive.
typedef struct fv__dataset_archive {
    const char *name;   // as downloaded
    const char *folder; // that it unpacks into
    const char *sha256; // of the archive itself
} fv__dataset_archive;

typedef struct fv__dataset_file {
    const char *name;                   // as downloaded, and as it is called in a folder (variants: see locate.h)
    const char *split;                  // the split it belongs to
    const char *sha256;                 // of its content, unpacked; NULL: nobody has published it
    uint64_t unpacked;                  // bytes of its content
    const fv__dataset_archive *archive; // that it is published in, or NULL
} fv__dataset_file;

typedef struct fv__dataset_info fv__dataset_info;
struct fv__dataset_info {
    const char *name;    // "fashion-mnist"
    const char *of;      // the set whose files these are, where this is a second labelling ("cifar100"), or NULL
    const char *labels;  // "coarse": which labelling, where there are several, or NULL
    const char *title;   // "Fashion-MNIST: 28×28 grey pictures of clothes"
    const char *source;  // who made it, and where to read about it
    const char *url;     // the files are at URL/NAME
    const char *package; // Debian package with the files, or NULL
    const char *folder;  // where that package puts them, or NULL
    int height, width, channels, classes;
    const char *const *class_names;
    const struct fv__cifar_layout *cifar; // how records are made up, or NULL
    const fv__dataset_file *files;
    size_t file_count;
    // NULL: photographs in folders (folder.h), whose counts and classes are known when they are opened.
    fv_status (*open)(const fv__dataset_info *info, const char *split, const char *path, fv_dataset **out,
                      fv_error *error);
};

// The set that is any folder of photographs; it has no row.
extern const fv__dataset_info fv__folder_info;

// What photographs become samples by.
typedef struct fv__photo_settings {
    fv__resize resize; // to the size of a sample
    int channels;      // 1 or 3
    bool strict;       // a picture that cannot be read is an error, instead of being left out
    int threads;       // for the first look at them; 0: as many as there are
} fv__photo_settings;

// Opens a split of any set. `photos` is for sets of photographs alone.
fv_status fv__dataset_open(const fv__dataset_info *info, const char *split, const char *path,
                           const fv__photo_settings *photos, fv_dataset **out, fv_error *error);

size_t fv__dataset_known_count(void);
const fv__dataset_info *fv__dataset_known(size_t index);

// The set or, where `labels` is not NULL, that labelling of it. NULL and, in the message, the names there are.
const fv__dataset_info *fv__dataset_labelled(const fv__dataset_info *info, const char *labels, fv_error *error);

// NULL and, in the message, the names there are.
const fv__dataset_info *fv__dataset_info_find(const char *name, fv_error *error);

// Downloads what is missing of a set into `folder` (NULL: the cache), checking every file. `mirror` is a base URL with
// the files in MIRROR/SET/ (NULL: the environment's FOVEA_MIRROR, and where the set is published without that).
fv_status fv__dataset_get(const fv__dataset_info *info, const char *mirror, const char *folder,
                          fv_event_callback *on_event, void *context, fv_error *error);

// Checks the content of a set's files against the published sums, for one split (NULL: both).
fv_status fv__dataset_verify(const fv__dataset_info *info, const char *split, const char *path, fv_error *error);

#endif
