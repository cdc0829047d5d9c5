// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *fv_status_name(fv_status status) {
    switch (status) {
#define X(name, text)                                                                                                  \
    case FV_##name:                                                                                                    \
        return text;
        FV_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

int fv__explain(fv_error *error, fv_status status, const char *format, ...) {
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return 0;
}

fv_status fv__fail_in(fv_error *error, fv_status status, const char *format, ...) {
    if (!error) {
        return status;
    }
    char context[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    size_t length = strlen(context);
    size_t room = sizeof error->message - length - 3; // for ": " and the end
    size_t kept = strlen(error->message) < room ? strlen(error->message) : room;
    memmove(error->message + length + 2, error->message, kept);
    error->message[length + 2 + kept] = '\0';
    memcpy(error->message, context, length);
    memcpy(error->message + length, ": ", 2);
    return status;
}

fv_status fv__fail_memory(fv_error *error, const char *what) {
    return fv__fail(error, FV_MEMORY, "out of memory for %s", what);
}
