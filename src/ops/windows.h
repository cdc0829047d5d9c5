// SPDX-License-Identifier: Apache-2.0
// Windows over an image, as convolutions and pooling have them.
#ifndef FOVEA_OPS_WINDOWS_H
#define FOVEA_OPS_WINDOWS_H

#include "ops/op.h"

typedef enum fv__padding { FV__PADDING_VALID, FV__PADDING_SAME } fv__padding;

// The windows of `size` over `image` (height, width, channels), `stride` apart. Padding is Keras's: `same` gives
// ⌈size / stride⌉ windows and puts the odd cell of padding below and to the right. Rows or columns are 0 where none fits.
fv__windows fv__windows_over(const fv__shape *image, const int size[2], const int stride[2], fv__padding padding);

#endif
