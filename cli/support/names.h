// SPDX-License-Identifier: Apache-2.0
// "Did you mean …?" for a mistyped name.
#ifndef FOVEA_CLI_SUPPORT_NAMES_H
#define FOVEA_CLI_SUPPORT_NAMES_H

#include <stddef.h>

// The name of a list (it ends with NULL) that `name` was most likely meant to be; NULL: none is near.
const char *cli_nearest(const char *name, const char *const *names);

// "did you mean 'dense'? Known: dense, conv2d, ..." (without the question where none is near). Release with free.
char *cli_suggest(const char *name, const char *const *names);

#endif
