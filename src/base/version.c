// SPDX-License-Identifier: Apache-2.0
#include "fovea.h"

#define TEXT_OF(number) TEXT(number)
#define TEXT(number) #number

int fv_version_number(void) {
    return FV_VERSION_NUMBER;
}

const char *fv_version(void) {
    return TEXT_OF(FV_VERSION_MAJOR) "." TEXT_OF(FV_VERSION_MINOR) "." TEXT_OF(FV_VERSION_PATCH);
}
