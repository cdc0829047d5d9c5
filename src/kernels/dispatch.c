// SPDX-License-Identifier: Apache-2.0
// Chooses the level of kernels for this machine.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/kernels.h"

extern const fv__kernels fv__kernels_base;
#if defined __x86_64__
extern const fv__kernels fv__kernels_v3, fv__kernels_v4;
#endif

static bool always(void) {
    return true;
}

// Best first.
static const struct {
    const fv__kernels *kernels;
    bool (*runs_here)(void);
} levels[] = {
#if defined __x86_64__
    {&fv__kernels_v4, fv__cpu_has_v4},
    {&fv__kernels_v3, fv__cpu_has_v3},
#endif
    {&fv__kernels_base, always},
};

const fv__kernels *fv__kernels_available(int index) {
    for (size_t i = 0; index >= 0 && i < sizeof levels / sizeof *levels; i++) {
        if (levels[i].runs_here() && index-- == 0) {
            return levels[i].kernels;
        }
    }
    return NULL;
}

fv_status fv__kernels_select(const char *level, const fv__kernels **out, fv_error *error) {
    const char *origin = level ? "instruction-set level" : "FOVEA_ISA";
    if (!level) {
        level = getenv("FOVEA_ISA");
    }
    if (!level || !*level) {
        *out = fv__kernels_available(0);
        return FV_OK;
    }
    char names[128] = "";
    size_t used = 0;
    const fv__kernels *kernels;
    for (int i = 0; (kernels = fv__kernels_available(i)); i++) {
        if (strcmp(kernels->level, level) == 0) {
            *out = kernels;
            return FV_OK;
        }
        int length = snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", kernels->level);
        used += length > 0 && (size_t)length < sizeof names - used ? (size_t)length : 0;
    }
    return fv__fail(error, FV_UNSUPPORTED, "%s \"%s\" is unknown or not available here; this machine has: %s", origin,
                    level, names);
}
