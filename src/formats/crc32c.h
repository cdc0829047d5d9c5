// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli 1993; RFC 3720, appendix B.4): the check sum of TFRecord files.
#ifndef FOVEA_FORMATS_CRC32C_H
#define FOVEA_FORMATS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t fv__crc32c(const void *bytes, size_t size);

#endif
