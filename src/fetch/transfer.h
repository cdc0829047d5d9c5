// SPDX-License-Identifier: Apache-2.0
// One HTTP transfer into an open file: the part of a download that libcurl does.
#ifndef FOVEA_FETCH_TRANSFER_H
#define FOVEA_FETCH_TRANSFER_H

#include "fetch/fetch.h"

// Appends to `descriptor` what is missing of `url` after its first `present` bytes. A server that sends the whole file
// although asked for the rest is fine: the file starts over then. *resumed: bytes from before were kept. What has
// arrived stays in the file on failure; FV_FORMAT means that it does not fit what the server has.
fv_status fv__transfer(const char *url, int descriptor, uint64_t present, const fv__fetch_options *options,
                       bool *resumed, fv_error *error);

#endif
