// SPDX-License-Identifier: Apache-2.0
// Downloads. A file goes to PATH.part, is picked up again where a broken connection left it, is checked, and only then
// gets its name: what is at PATH is complete. Two processes that want the same file take turns.
#ifndef FOVEA_FETCH_FETCH_H
#define FOVEA_FETCH_FETCH_H

#include "base/options.h"

typedef struct fv__fetch_options {
    const char *sha256; // 64 hexadecimal digits the file must have; NULL: not checked
    // A check of one's own, on the file before it gets its name; NULL: none. FV_FORMAT removes the file; after
    // another failure it is kept for later.
    fv_status (*check)(void *context, const char *path, fv_error *error);
    void *check_context;
    // FV_EVENT_WORK: bytes of the address `message`; count 0 while unknown. When stopped, the part is kept for later.
    fv_event_callback *on_event;
    void *context;
    long connect_seconds; // give up connecting after; 0: 20
    long stall_seconds;   // give up when nothing arrives for; 0: 30
} fv__fetch_options;

// Brings `url` to `path`, making the folders above it. A file that is there already is left alone. `options` may be
// NULL. FV_UNSUPPORTED when fovea was built without libcurl.
fv_status fv__fetch(const char *url, const char *path, const fv__fetch_options *options, fv_error *error);

#endif
