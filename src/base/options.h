// SPDX-License-Identifier: Apache-2.0
// Structs that a caller fills and that may grow from version to version: they begin with `size_t size`.
#ifndef FOVEA_BASE_OPTIONS_H
#define FOVEA_BASE_OPTIONS_H

#include "base/error.h"

// Copies `given` (NULL: all defaults), whose first member is its size in bytes, to `own` of `size` bytes. Members that
// the caller's version does not have are 0. Errors: FV_INVALID when `size` was not set, or when the caller sets members
// that only a later version has.
fv_status fv__options_take(const void *given, void *own, size_t size, const char *type, fv_error *error);

// The usual form: FV__TAKE(fv_train_options, options, error) declares `fv_train_options own`, complete.
#define FV__TAKE(type, given, error)                                                                                   \
    type own;                                                                                                          \
    FV__TRY(fv__options_take(given, &own, sizeof own, #type, error))

// Calls back if somebody listens; false: stop.
static inline bool fv__emit(fv_event_callback *on_event, void *context, const fv_event *event) {
    return !on_event || on_event(context, event);
}

#endif
