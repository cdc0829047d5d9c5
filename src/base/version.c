#include "fovea.h"

const char *fv_version(void) {
    return FV_VERSION;
}
