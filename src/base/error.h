// SPDX-License-Identifier: Apache-2.0
// How a failure travels: a status as the return value, a sentence for people in the caller's fv_error.
#ifndef FOVEA_BASE_ERROR_H
#define FOVEA_BASE_ERROR_H

#include "fovea.h"

// Writes the sentence (which names the thing and the way out) and gives `status`, so that a function can end with
// `return fv__fail(error, FV_INVALID, "...", ...)`. `error` may be NULL. (A macro, so that static analysis sees that
// the status is the one given.)
#define fv__fail(error, status, ...) fv__explained((status), fv__explain((error), (status), __VA_ARGS__))

int fv__explain(fv_error *error, fv_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

static inline fv_status fv__explained(fv_status status, int explained) {
    (void)explained;
    return status;
}

// Puts "context: " in front of the message that a failed call has left and returns its status.
fv_status fv__fail_in(fv_error *error, fv_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

// Out of memory while making `what`.
fv_status fv__fail_memory(fv_error *error, const char *what);

// Returns from the function where `expression` fails. The way to fail wherever nothing has to be freed; where something
// has, `goto done` to one place at the end that frees it (FV__TRY_OR_DONE).
#define FV__TRY(expression)                                                                                            \
    do {                                                                                                               \
        const fv_status tried = (expression);                                                                          \
        if (tried) {                                                                                                   \
            return tried;                                                                                              \
        }                                                                                                              \
    } while (0)

// The same where something has to be freed: sets the function's `status` and goes to its label `done` on a failure.
#define FV__TRY_OR_DONE(expression)                                                                                    \
    do {                                                                                                               \
        status = (expression);                                                                                         \
        if (status) {                                                                                                  \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

#endif
