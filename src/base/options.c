// SPDX-License-Identifier: Apache-2.0
#include "base/options.h"

#include <string.h>

fv_status fv__options_take(const void *given, void *own, size_t size, const char *type, fv_error *error) {
    memset(own, 0, size);
    if (!given) {
        memcpy(own, &size, sizeof size);
        return FV_OK;
    }
    size_t theirs;
    memcpy(&theirs, given, sizeof theirs);
    if (theirs < sizeof theirs) {
        return fv__fail(error, FV_INVALID, "%s.size is not set: begin with `%s options = {.size = sizeof options};`",
                        type, type);
    }
    for (size_t i = size; i < theirs; i++) {
        if (((const unsigned char *)given)[i]) {
            return fv__fail(error, FV_INVALID, "%s has members that fovea %s does not know: link a later version", type,
                            fv_version());
        }
    }
    memcpy(own, given, theirs < size ? theirs : size);
    memcpy(own, &size, sizeof size);
    return FV_OK;
}
